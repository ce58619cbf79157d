// A status as a message (google.rpc.Status), where it travels inside of other messages.

import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Status, StatusSchema } from "../proto/gen/status_pb.ts";
import { GrpcError } from "./status.ts";

export function statusOf(error: GrpcError): Status {
  const details = error.details.map((detail) => create(AnySchema, { ...detail }));
  return create(StatusSchema, { code: error.code, message: error.message, details });
}

export function errorOf(status: Status): GrpcError {
  const details = status.details.map(({ typeUrl, value }) => ({ typeUrl, value }));
  return new GrpcError(status.code, status.message, details);
}
