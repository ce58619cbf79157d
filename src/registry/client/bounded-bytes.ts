// An answer's body in memory, as far as that may be.

import { HoyError } from "../../base/error.ts";

/** @param what Named in the error. @throws HoyError "too-large" */
export async function boundedBytes(response: Response, limit: number, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new HoyError("too-large", `${what} of more than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
