// A client that attached before the container runs (as `docker run` does): it is given its stream when the shim is
// there, before the first output is let through, so it misses nothing.

import { HoyError } from "../../base/error.ts";
import type { Shim, ShimStream } from "../../runtime/contract.ts";

export interface AttachWant {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export class PendingAttach {
  readonly want: AttachWant;
  /** Undefined: the container never started, or the client left first. */
  readonly stream: Promise<ShimStream | undefined>;
  readonly #settle: (stream: ShimStream | undefined) => void;
  #done = false;

  constructor(want: AttachWant) {
    this.want = want;
    const { promise, resolve } = Promise.withResolvers<ShimStream | undefined>();
    this.stream = promise;
    this.#settle = resolve;
  }

  async serve(shim: Shim): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    try {
      this.#settle(await shim.attach(this.want));
    } catch (error) {
      this.#settle(undefined);
      throw new HoyError("internal", "a client could not be attached to the started container", { cause: error });
    }
  }

  cancel(): void {
    this.#done = true;
    this.#settle(undefined);
  }
}
