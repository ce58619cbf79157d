// An engine on this host that may hand blobs over (../handover.ts): where its blobs are, and the key that proofs are made with.

import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { makeHandoverKey, provenDigest } from "../handover.ts";
import { type AnyDigest, requireDigest } from "./names.ts";

export class Handover {
  readonly #blobs: string;
  readonly #key: Uint8Array;

  private constructor(blobs: string, key: Uint8Array) {
    this.#blobs = blobs;
    this.#key = key;
  }

  /** @param engineRoot The engine's --data-root. @throws HoyError "invalid" when no engine has been there */
  static async open(engineRoot: string): Promise<Handover> {
    const blobs = join(engineRoot, "blobs");
    try {
      return new Handover(blobs, await makeHandoverKey(blobs));
    } catch (cause) {
      throw new HoyError("invalid", `${engineRoot} is not the data of an engine that can be read here`, { cause });
    }
  }

  /** The blob that a request proves it can read, and where it is; undefined: it proves none. */
  proven(repository: string, header: string): { digest: AnyDigest; path: string } | undefined {
    const text = provenDigest(this.#key, repository, header);
    if (text === undefined) return undefined;
    const digest = requireDigest(text);
    return { digest, path: join(this.#blobs, digest.algorithm, digest.hex) };
  }
}
