// Images as the sources of builds: those that are here, else pulled from their registry with the client's credentials.

import type { ImageBackend } from "../../api/backend.ts";
import { isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { ImageSources } from "../../build/needs.ts";
import { formatPlatform } from "../../image/platform.ts";
import {
  canonicalString,
  familiarString,
  identifierPrefix,
  parseReference,
  withDefaultTag,
} from "../../image/reference.ts";
import type { ImageShelf } from "../images/shelf.ts";

export function imageSources(shelf: ImageShelf, images: Pick<ImageBackend, "pull">): ImageSources {
  return {
    async find(request) {
      const { ref, platform, mode, session, signal } = request;
      const wanted = formatPlatform(platform);
      if (mode !== "pull") {
        try {
          return await here(shelf, ref, wanted).catch((error: unknown) => byPin(shelf, ref, wanted, error));
        } catch (error) {
          if (!(error instanceof HoyError) || error.code !== "not-found" || mode === "local") throw error;
        }
      }
      const name = parseReference(ref);
      const auth = await session.registryAuth(name.domain);
      const messages = await images.pull(
        familiarString(withDefaultTag(name)),
        { platform: wanted, auth, allTags: false },
        signal,
      );
      for await (const { id = "", status = "", progressDetail } of messages) {
        const { current = 0, total = 0 } = progressDetail ?? {};
        if (id === "" || total === 0) continue;
        const done = status === "Pull complete" || current === total;
        request.status({ name: `${status} ${id}`, current, total, done });
      }
      return here(shelf, ref, wanted);
    },
    retain: (id, user) => shelf.retain(id, user),
    release: (user) => shelf.release(user),
  };
}

/** An image without a manifest is pinned by its id; another build asks for it so. */
async function byPin(shelf: ImageShelf, ref: string, platform: string, error: unknown) {
  const { digest } = parseReference(ref);
  if (digest === undefined || shelf.table.get(digest) === null) throw error;
  return { ...(await here(shelf, digest, platform)), ref };
}

async function here(shelf: ImageShelf, ref: string, platform: string) {
  const found = await shelf.resolve(ref, platform);
  const row = shelf.find(found.id);
  const digest = row.manifest !== null && isDigest(row.manifest) ? row.manifest : found.id;
  const byId = identifierPrefix(ref) !== undefined && found.id.includes(ref);
  const name = byId ? ref : canonicalString(withDefaultTag(parseReference(ref)));
  return { ref: name, digest, id: found.id, config: found.config, diffIds: found.diffIds };
}
