// JSON bodies: bounded in size and time, and with the errors Docker gives (moby api/server/httputils).
// What the text must look like is told by a Shape (shape.ts).

import { HoyError } from "../../base/error.ts";
import type { Call } from "./call.ts";
import { decode, type Shape } from "./shape.ts";

/**
 * The body as a value of the shape; undefined when there is none.
 * @throws HoyError "invalid" for another content type, bad JSON, a wrong type; "too-large".
 */
export async function readJson<T>(call: Call, shape: Shape<T>): Promise<T | undefined> {
  const type = call.header("content-type");
  if (call.bodyless) {
    if (type !== "") checkContentType(type, "application/json");
    return undefined;
  }
  checkContentType(type, "application/json");
  const text = await readText(call);
  if (text.trim() === "") throw new HoyError("invalid", "invalid JSON: got EOF while reading request body");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HoyError("invalid", `invalid JSON: ${cause instanceof Error ? cause.message : "syntax error"}`, {
      cause,
    });
  }
  // As in Go, where null leaves the struct as it was: docker's client commits so.
  return decode(value ?? {}, shape);
}

/** Like readJson, where a body must be. */
export async function needJson<T>(call: Call, shape: Shape<T>): Promise<T> {
  const value = await readJson(call, shape);
  if (value === undefined) throw new HoyError("invalid", "invalid JSON: got EOF while reading request body");
  return value;
}

/** @throws HoyError "invalid" in Docker's words when the header does not say `wanted`. */
export function checkContentType(header: string, wanted: string): void {
  const media = header.split(";")[0]?.trim().toLowerCase() ?? "";
  if (media === "") throw new HoyError("invalid", "malformed Content-Type header (): mime: no media type");
  if (media !== wanted) {
    throw new HoyError("invalid", `unsupported Content-Type header (${header.slice(0, 100)}): must be '${wanted}'`);
  }
}

async function readText(call: Call): Promise<string> {
  const { jsonBytes, jsonTimeout } = call.parts.options.limits;
  const timer = setTimeout(() => call.parts.socket.destroy(), jsonTimeout);
  try {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of call.body()) {
      size += piece.length;
      if (size > jsonBytes) throw new HoyError("too-large", `the request body is larger than ${jsonBytes} bytes`);
      pieces.push(piece);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new HoyError("invalid", "invalid JSON: not UTF-8", { cause: thrown });
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}
