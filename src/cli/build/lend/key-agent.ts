// An ssh agent that holds keys of files, for as long as a build runs (draft-miller-ssh-agent): it names them and signs
// with them, and does nothing else that an agent can be asked for.

import type { PrivateKey } from "./keys.ts";
import { Wire, WireReader } from "./ssh-wire.ts";

const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** OpenSSH's own bound. */
const MAX_MESSAGE = 256 * 1024;

/** What is asked in, what is answered out. Ends at a message that no agent takes. */
export async function* keyAgent(
  keys: readonly PrivateKey[],
  requests: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let waiting = Buffer.alloc(0);
  for await (const data of requests) {
    waiting = Buffer.concat([waiting, data]);
    while (waiting.length >= 4) {
      const length = waiting.readUInt32BE(0);
      if (length === 0 || length > MAX_MESSAGE) return;
      if (waiting.length < 4 + length) break;
      const message = waiting.subarray(4, 4 + length);
      waiting = waiting.subarray(4 + length);
      yield new Wire().string(answer(keys, message)).bytes;
    }
  }
}

function answer(keys: readonly PrivateKey[], message: Buffer): Buffer {
  const failure = Buffer.from([FAILURE]);
  try {
    const reader = new WireReader(message);
    const kind = reader.byte();
    if (kind === REQUEST_IDENTITIES) {
      const all = new Wire().byte(IDENTITIES_ANSWER).number(keys.length);
      for (const { blob, comment } of keys) all.string(blob).text(comment);
      return all.bytes;
    }
    if (kind !== SIGN_REQUEST) return failure;
    const [blob, data, flags] = [reader.string(), reader.string(), reader.number()];
    const key = keys.find((each) => each.blob.equals(blob));
    return key === undefined ? failure : new Wire().byte(SIGN_RESPONSE).string(key.sign(data, flags)).bytes;
  } catch {
    // Not understood, or the key can't: an agent says no more than that.
    return failure;
  }
}
