// What a build said, kept for `buildx history logs`: its status messages one after the other, each with its length before
// it, compressed. Of endless ones the rest is left out.

import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type StatusResponse, StatusResponseSchema } from "../proto/gen/control_pb.ts";
import type { StatusEvent } from "./progress.ts";

/** Beside the event loop: megabytes take a tenth of a second. */
const compress = promisify(gzip);
/** Bytes before compression. */
const MAX_LOG = 4 * 1024 * 1024;

export function packLog(events: Iterable<StatusEvent>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const event of events) {
    const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, event));
    size += 4 + bytes.length;
    if (size > MAX_LOG) break;
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    parts.push(head, bytes);
  }
  return compress(Buffer.concat(parts));
}

export function* unpackLog(packed: Uint8Array): Generator<StatusResponse, void, void> {
  const bytes = gunzipSync(packed, { maxOutputLength: MAX_LOG });
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    yield fromBinary(StatusResponseSchema, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
}
