// Standard input as a build's context: it gets a URL that only this session answers.

import { randomUUID } from "node:crypto";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { Upload } from "../../../build/buildkit/proto/gen/upload_pb.ts";

export interface LentInput {
  readonly url: string;
  readonly services: ServiceTable;
}

/** @param input read once, when the engine asks */
export function lendInput(input: () => AsyncIterable<Uint8Array>): LentInput {
  const path = `/${randomUUID()}`;
  let isAsked = false;
  const services = service(Upload, {
    async *pull(_requests, { metadata }) {
      if (metadata.get("urlpath")?.[0] !== path || isAsked)
        throw new GrpcError(CODE.notFound, "there is no such upload");
      isAsked = true;
      for await (const data of input()) yield { data };
    },
  });
  return { url: `http://buildkit-session${path}`, services };
}
