// A Dockerfile that comes on standard input: as much of it as anybody writes.

import { ExitError } from "../base/errors.ts";

const LIMIT = 2 * 1024 * 1024;

/** All of it. @param lead what errors begin with: "ERROR: " for who speaks as buildx */
export async function readDockerfile(source: AsyncIterable<Uint8Array>, lead = ""): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LIMIT) throw new ExitError(1, `${lead}the Dockerfile on standard input is larger than ${LIMIT} bytes`);
  }
  return Buffer.concat(chunks);
}
