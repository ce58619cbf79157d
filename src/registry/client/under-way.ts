// Blobs that this engine is just fetching, so that engines that begin in the same moment go outside once: each tells its peers
// what is on its way (../peer/server.ts), and one waits for the other (peers.ts). Who has begun to receive is ahead; of two
// that only ask, the one whose token is smaller: all engines see the same order, and none waits in a circle, since who
// receives waits for nobody.

import { randomBytes } from "node:crypto";
import { makeRoom } from "../../base/bounded.ts";
import type { Digest } from "../../base/digest.ts";

export interface Coming {
  /** Of the engine, until its next start. */
  readonly token: string;
  /** Bytes come, from wherever. */
  readonly receiving: boolean;
  readonly received: number;
}

interface Entry {
  /** The repository, with its registry. */
  readonly name: string;
  /** The token of a peer that asked for it before we began. */
  readonly before: string | undefined;
  state: "asking" | "receiving" | "here";
  received: number;
}

/** Who asked for a blob is remembered so long, for so many blobs. */
const HEARD_MS = 30_000;
const HEARD = 1000;

export class BlobsUnderWay {
  readonly #token = randomBytes(16).toString("hex");
  readonly #blobs = new Map<Digest, Entry>();
  readonly #heard = new Map<Digest, { readonly token: string; readonly until: number }>();

  begin(name: string, digest: Digest): Claim {
    const heard = this.#heard.get(digest);
    const before = heard !== undefined && heard.until > Date.now() ? heard.token : undefined;
    const entry: Entry = { name, before, state: "asking", received: 0 };
    this.#blobs.set(digest, entry);
    return new Claim(this.#token, entry, () => {
      if (this.#blobs.get(digest) === entry) this.#blobs.delete(digest);
    });
  }

  /** A peer that does not find the blob here is about to fetch it itself. */
  heard(digest: Digest, { token }: Coming): void {
    this.#heard.delete(digest);
    makeRoom(this.#heard, HEARD);
    this.#heard.set(digest, { token, until: Date.now() + HEARD_MS });
  }

  /** What peers may know; undefined when it is not on its way, or for another repository. */
  coming(name: string, digest: Digest): Coming | undefined {
    const entry = this.#blobs.get(digest);
    if (entry === undefined || entry.name !== name || entry.state === "here") return undefined;
    return { token: this.#token, receiving: entry.state === "receiving", received: entry.received };
  }

  /** The repository of a blob that is here whole, while the rest of its image is not. */
  nameOf(digest: Digest): string | undefined {
    const entry = this.#blobs.get(digest);
    return entry?.state === "here" ? entry.name : undefined;
  }

  /** The pull they belong to is over: what is here is an image's, or nobody's. */
  end(digests: readonly Digest[]): void {
    for (const digest of digests) if (this.#blobs.get(digest)?.state === "here") this.#blobs.delete(digest);
  }
}

/** This engine's own word that it fetches a blob. */
export class Claim {
  readonly #token: string;
  readonly #entry: Entry;
  readonly #drop: () => void;

  constructor(token: string, entry: Entry, drop: () => void) {
    this.#token = token;
    this.#entry = entry;
    this.#drop = drop;
  }

  isBehind({ token, receiving }: Coming): boolean {
    if (this.#entry.state !== "asking") return false;
    return receiving || token === this.#entry.before || token < this.#token;
  }

  /** What peers that are asked are told. */
  get coming(): Coming {
    return { token: this.#token, receiving: this.#entry.state !== "asking", received: this.#entry.received };
  }

  receiving(): void {
    if (this.#entry.state === "asking") this.#entry.state = "receiving";
  }

  progress(received: number): void {
    this.#entry.received = received;
  }

  here(): void {
    this.#entry.state = "here";
  }

  /** It does not come after all. */
  failed(): void {
    this.#drop();
  }
}

export const COMING_HEADER = "Hoy-Coming";

export function comingHeader({ token, receiving, received }: Coming): string {
  return `${token} ${receiving ? "receiving" : "asking"} ${received}`;
}

/** @returns undefined for a text that is none. */
export function parseComing(text: string | null): Coming | undefined {
  const [, token, state, received] = /^([0-9a-f]{32}) (receiving|asking) (\d{1,15})$/.exec(text ?? "") ?? [];
  if (token === undefined) return undefined;
  return { token, receiving: state === "receiving", received: Number(received) };
}

/** A peer whose bytes stand still, or that fetches for so long, is passed by. */
const STILL_MS = 15_000;
const LONGEST_MS = 15 * 60_000;

/** How long others are waited for. */
export class Patience {
  readonly #since: number;
  #moved: number;
  #received = "";

  constructor(now = performance.now()) {
    this.#since = now;
    this.#moved = now;
  }

  /** @param ahead Who is waited for; nobody is no reason to wait. */
  holds(ahead: readonly Coming[], now = performance.now()): boolean {
    if (ahead.length === 0) return false;
    const received = ahead.map((coming) => coming.received).join(" ");
    if (received !== this.#received) this.#moved = now;
    this.#received = received;
    return now - this.#moved < STILL_MS && now - this.#since < LONGEST_MS;
  }
}
