// Reading of a container that somebody removes meanwhile: its files go one by one, and what was read may be a part of it,
// without an error that tells. A copy is good when the container is still there at its end.

import type { ContainerSource } from "../images/contract.ts";

/** @throws HoyError "conflict" when the container was removed meanwhile. */
export async function whole<T>(source: Pick<ContainerSource, "checkPresent">, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } finally {
    // Before whatever the missing files have led to.
    source.checkPresent();
  }
}

/** As `whole`: the stream ends with the error, and not as if it were complete. */
export async function* wholeStream(
  source: Pick<ContainerSource, "checkPresent">,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    source.checkPresent();
    throw error;
  }
  source.checkPresent();
}
