// One build, from its first solve to its end: what it found so far and what it holds meanwhile, so that neither a prune
// nor the removal of an image takes a tree away under it. A crash leaves rows that the next start releases.

import { randomUUID } from "node:crypto";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { formatPlatform } from "../../image/platform.ts";
import type { BuildNeeds, FoundImage, ImageRequest } from "../needs.ts";
import type { Tree } from "../solver-contract.ts";

/** Begins the names under which builds hold images. */
export const BUILD_USER = "building:";

export interface Outcome {
  readonly trees: readonly Tree[];
  /** The cache's record of it, and of what it was made from where it has none of its own. */
  readonly records: readonly string[];
  /** When the last of it was made, RFC 3339; undefined: by no build. */
  readonly created: string | undefined;
}

export interface Build extends AsyncDisposable {
  /** Vertices by their digest: each is solved once, however many solves ask for it. */
  readonly vertices: Map<Digest, Promise<Outcome>>;
  readonly announced: Set<Digest>;
  /** The same reference is the same image to the build's end. */
  image(request: ImageRequest, needs: Pick<BuildNeeds, "images">): Promise<FoundImage>;
  /** Called when the build ends. */
  defer(action: () => Promise<void> | void): void;
}

export function openBuild(needs: Pick<BuildNeeds, "images">): Build {
  const user = `${BUILD_USER}${randomUUID()}`;
  const held = new Map<Digest, Promise<void>>();
  const images = new Map<string, Promise<FoundImage>>();
  const stack = new AsyncDisposableStack();
  const hold = (id: Digest): Promise<void> => {
    const known = held.get(id);
    if (known !== undefined) return known;
    const name = `${user}:${held.size}`;
    const holding = needs.images.retain(id, name);
    held.set(id, holding);
    stack.defer(() => needs.images.release(name));
    return holding;
  };
  return {
    vertices: new Map(),
    announced: new Set(),
    async image(request) {
      if (stack.disposed) throw new HoyError("cancelled", "the build has ended");
      const platform = formatPlatform(request.platform);
      const key = [request.ref, platform, request.mode].join(" ");
      // A name with the digest that this build found it to be need not be known by that digest elsewhere.
      const digest = /@(sha256:[0-9a-f]{64})$/.exec(request.ref)?.[1];
      const known = images.get(key) ?? images.get(`${digest} ${platform}`);
      if (known !== undefined) return known;
      const finding = needs.images.find(request).then(async (found) => {
        await hold(found.id);
        images.set(`${found.digest} ${platform}`, finding);
        return found;
      });
      images.set(key, finding);
      finding.catch(() => images.delete(key));
      return finding;
    },
    defer: (action) => stack.defer(action),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
