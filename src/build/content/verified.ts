// A blob as it comes from somewhere, held to the size and digest that were promised.

import { createHash } from "node:crypto";
import { HoyError } from "../../base/error.ts";
import type { Descriptor } from "../../image/descriptor.ts";

/** @throws HoyError "invalid" at the end, or as soon as there is more than promised. */
export async function* verified(
  { digest, size }: Descriptor,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash("sha256");
  let received = 0;
  for await (const chunk of source) {
    received += chunk.length;
    if (received > size) throw new HoyError("invalid", `${digest} is longer than the ${size} bytes it should have`);
    hash.update(chunk);
    yield chunk;
  }
  const got = `sha256:${hash.digest("hex")}`;
  if (received !== size || got !== digest) {
    throw new HoyError("invalid", `${digest} of ${size} bytes came as ${got} of ${received}`);
  }
}

/** All of it at once. @throws HoyError "too-large" before anything is read. */
export async function readVerified(
  descriptor: Descriptor,
  limit: number,
  source: AsyncIterable<Uint8Array>,
): Promise<Buffer> {
  if (descriptor.size > limit) {
    throw new HoyError("too-large", `${descriptor.digest} has ${descriptor.size} bytes, and may have ${limit}`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of verified(descriptor, source)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
