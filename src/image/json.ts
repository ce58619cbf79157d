// Reading JSON that strangers wrote: bounded in size, checked against a schema, and every fault a HoyError that says
// where it is. The schemas themselves stand with what they describe (config.ts, manifest.ts).

import * as v from "valibot";
import { HoyError } from "../base/error.ts";

/** Docker's own bound for manifests and configs is 4 MiB; registries refuse more. */
export const JSON_LIMIT = 4 * 1024 * 1024;

/**
 * @param what Named in errors: "image config".
 * @throws HoyError "too-large" past the limit, "invalid" when it is not JSON or not of the shape.
 */
export function readJson<const S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  what: string,
  limit = JSON_LIMIT,
): v.InferOutput<S> {
  if (bytes.byteLength > limit) {
    throw new HoyError("too-large", `the ${what} has ${bytes.byteLength} bytes, more than ${limit}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HoyError("invalid", `the ${what} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new HoyError("invalid", `the ${what} is not valid: ${path === null ? "" : `${path}: `}${issue.message}`);
}

/** Go writes absent lists, maps and strings as null as well as leaving them out; both are undefined here. */
export function optional<const S extends v.GenericSchema>(schema: S) {
  return v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
