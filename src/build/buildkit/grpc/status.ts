// gRPC's status: what every call ends with, in trailers (grpc.github.io, "gRPC over HTTP2"). An error of ours becomes
// one here, once; details in it are BuildKit's typed errors.

import type * as http2 from "node:http2";
import { type ErrorCode, HoyError, toHoyError } from "../../../base/error.ts";
import { readLight, writeLight } from "../proto/light.ts";
import { RPC_STATUS } from "../proto/light-messages.ts";

/** Numbers of google.rpc.Code. */
export const CODE = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export type Code = (typeof CODE)[keyof typeof CODE];

/** A typed detail: its URL and its bytes (BuildKit puts JSON there). */
export interface Detail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export class GrpcError extends Error {
  readonly code: number;
  readonly details: readonly Detail[];

  constructor(code: number, message: string, details: readonly Detail[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = "GrpcError";
    this.code = code;
    this.details = details;
  }
}

/**
 * Clients print the code's name before the message unless it is "unknown", so that is what most of ours are: Docker's
 * own messages come that way too.
 */
const CODES: Partial<Record<ErrorCode, Code>> = {
  cancelled: CODE.cancelled,
  "not-implemented": CODE.unimplemented,
  unauthorized: CODE.unauthenticated,
  "too-large": CODE.resourceExhausted,
};

/** Anything thrown, as the status that tells it. */
export function toGrpcError(thrown: unknown): GrpcError {
  if (thrown instanceof GrpcError) return thrown;
  const error = toHoyError(thrown);
  const message = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  return new GrpcError(CODES[error.code] ?? CODE.unknown, message, [], { cause: thrown });
}

const FROM_CODES: Readonly<Record<number, ErrorCode>> = {
  [CODE.cancelled]: "cancelled",
  [CODE.invalidArgument]: "invalid",
  [CODE.notFound]: "not-found",
  [CODE.permissionDenied]: "forbidden",
  [CODE.unauthenticated]: "unauthorized",
  [CODE.unimplemented]: "not-implemented",
  [CODE.unavailable]: "unavailable",
};

/** What a peer answered, as our error. */
export function fromGrpcError(error: GrpcError): HoyError {
  return new HoyError(FROM_CODES[error.code] ?? "internal", error.message, { cause: error });
}

/** The trailers of a call: those of success without an error. */
export function statusTrailers(error?: GrpcError): http2.OutgoingHttpHeaders {
  if (error === undefined) return { "grpc-status": "0" };
  const trailers: http2.OutgoingHttpHeaders = {
    "grpc-status": String(error.code),
    "grpc-message": percentEncode(error.message.slice(0, MESSAGE_LIMIT)),
  };
  if (error.details.length > 0) {
    const { code, message, details } = error;
    const bytes = writeLight(RPC_STATUS, { code, message, details });
    trailers["grpc-status-details-bin"] = bytes.toString("base64").replace(/=+$/, "");
  }
  return trailers;
}

/** Characters of a message; a header list may not be endless. */
const MESSAGE_LIMIT = 16 * 1024;

/** Reads trailers (or the head of an answer that is only trailers); undefined: it went well. */
export function readTrailers(headers: http2.IncomingHttpHeaders): GrpcError | undefined {
  const status = headers["grpc-status"];
  if (status === undefined) return new GrpcError(CODE.internal, "the answer ended without a status");
  const code = Number(status);
  if (code === CODE.ok) return undefined;
  const message = percentDecode(String(headers["grpc-message"] ?? ""));
  return new GrpcError(Number.isInteger(code) ? code : CODE.unknown, message, readDetails(headers));
}

function readDetails(headers: http2.IncomingHttpHeaders): readonly Detail[] {
  const encoded = headers["grpc-status-details-bin"];
  if (encoded === undefined) return [];
  try {
    const { details } = readLight(RPC_STATUS, Buffer.from(String(encoded), "base64")) as { details: Detail[] };
    return details.map(({ typeUrl, value }) => ({ typeUrl, value }));
  } catch {
    return []; // details are extra: the code and the message stand without them
  }
}

/** "Percent-Encoded" of gRPC's protocol page: printable ASCII but "%" stays. */
function percentEncode(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replaceAll(/[^\x20-\x24\x26-\x7e]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

function percentDecode(text: string): string {
  const bytes = text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString();
}
