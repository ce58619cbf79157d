// BuildKit's API on this engine: what it makes becomes images of the engine's store.

import type { ImageBackend } from "../../api/backend.ts";
import { type Digest, digestHex } from "../../base/digest.ts";
import { HoyError, toHoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { build } from "../../base/version.ts";
import { type Buildkit, openBuildkit } from "../../build/buildkit/buildkit.ts";
import type { BuildkitNeeds, ImageToWrite } from "../../build/buildkit/needs.ts";
import type { Entitlements } from "../../build/entitlements.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { Tree } from "../../build/solver-contract.ts";
import { type HistoryEntry, type ImageConfigFile, writeConfig } from "../../image/config.ts";
import {
  canonicalString,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from "../../image/reference.ts";
import { emitImage, type ImageContext } from "../images/context.ts";
import { saveImages } from "../images/save.ts";
import { nameImage } from "../images/tag.ts";
import { formatNs, now } from "../time.ts";
import { squash } from "./squash.ts";
import { filterContext, receiveContext } from "./tar-context.ts";
import { addImage, configOf, inlineCacheOf } from "./write-image.ts";

export interface BuildkitParts {
  readonly images: ImageContext;
  readonly verbs: Pick<ImageBackend, "remove">;
  readonly solver: GraphSolver;
  readonly temporary: string;
  readonly hostGateway: () => string | undefined;
  readonly grantable: () => Entitlements;
  readonly history: BuildkitNeeds["history"];
}

export function composeBuildkit({
  images,
  verbs,
  solver,
  temporary,
  hostGateway,
  grantable,
  history,
}: BuildkitParts): Buildkit {
  return openBuildkit({
    solver,
    images: {
      fullName: (name) => canonicalString(nameOf(name)),
      async finish(image) {
        const { config, tree } = await finished(solver, image);
        return { config: writeConfig(config), tree };
      },
      async store({ config: bytes, tree, names, packaged }) {
        const id = await addImage(images, bytes, tree, packaged);
        for (const name of names) await nameImage(images, id, parseReference(name));
        return id;
      },
      async index(names, index) {
        for (const name of names) await images.shelf.setIndex(canonicalString(parseReference(name)), index);
      },
      archive: (id, names, signal) => archive(images, verbs, id, names.map(nameOf), signal),
      async pushed(name, id, digest) {
        const ref = parseReference(name);
        const byDigest = `${repositoryName(ref)}@${digest}`;
        const { indexes } = images.shelf.table;
        const index = indexes.of(canonicalString(ref));
        images.shelf.setName(byDigest, id);
        indexes.copy(byDigest, index);
        await emitImage(images, "push", id, canonicalString(ref));
      },
    },
    receiveTar: async (body, layers, signal) =>
      (await receiveContext(body, [], { layers, knownTrees: solver.knownTrees }, signal)).tree,
    filterTree: (tree, source, layers, signal) => filterContext(tree, source, solver, layers, signal),
    temporary,
    now,
    version: build.version,
    hostGateway,
    grantable,
    history,
    log,
  });
}

function nameOf(text: string): Reference {
  let name: Reference;
  try {
    name = parseReference(text);
  } catch (error) {
    throw new HoyError("invalid", `failed to parse ${text}: ${toHoyError(error).message}`);
  }
  if (name.digest !== undefined) throw new HoyError("invalid", `a build can't be named by a digest: ${text}`);
  return withDefaultTag(name);
}

async function finished(solver: GraphSolver, image: ImageToWrite): Promise<{ config: ImageConfigFile; tree: Tree }> {
  const { tree, session, from, inlineCache } = image;
  const inline = inlineCacheOf(inlineCache);
  if (image.squash) {
    if (!("dockerfile" in from)) {
      throw new HoyError("not-implemented", "only a Dockerfile's own result can be squashed");
    }
    if (inlineCache !== undefined) {
      throw new HoyError("invalid", "a squashed image has no layers of the cache: leave --cache-to=inline out");
    }
    const { layers, signal } = image;
    return squash({ solver, session, layers, signal }, from.dockerfile, tree);
  }
  if ("dockerfile" in from) {
    return { config: await configOf(from.dockerfile, tree, { solver, session, inline }), tree };
  }
  return { config: { ...completed(from, tree.diffIds), ...inline }, tree };
}

/** A frontend that is not ours may say less of the history than there are layers: the rest are said to be there. */
function completed(
  { config, epoch, made }: Exclude<ImageToWrite["from"], { dockerfile: unknown }>,
  diffIds: readonly Digest[],
): ImageConfigFile {
  const created = epoch === undefined ? (config.created ?? made ?? now()) : formatNs(BigInt(epoch) * 1_000_000_000n);
  const history: HistoryEntry[] = [...(config.history ?? [])];
  let filled = history.filter((entry) => entry.empty_layer !== true).length;
  for (; filled < diffIds.length; filled++) history.push({ created, created_by: "buildkit.exporter.image.v0" });
  if (filled > diffIds.length)
    throw new HoyError("invalid", `a history of ${filled} layers, but there are ${diffIds.length}`);
  return { ...config, created, history, rootfs: { type: "layers", diff_ids: [...diffIds] } };
}

/** An image that was made only to be sent is gone again when it was: it has no name and nothing uses it. */
async function* archive(
  images: ImageContext,
  verbs: Pick<ImageBackend, "remove">,
  id: Digest,
  names: readonly Reference[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* await saveImages(images, [digestHex(id)], { platform: undefined, names }, signal);
  } finally {
    if (images.shelf.table.names(id).length === 0) {
      await verbs.remove(id, { force: false, prune: false }).catch((error: unknown) => {
        // In use by a container already, or gone.
        if (!(error instanceof HoyError) || (error.code !== "conflict" && error.code !== "not-found")) throw error;
      });
    }
  }
}
