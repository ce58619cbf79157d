// `commit`: what a container changed becomes a layer above its image's, with the container's config.

import type { CommitOptions } from "../../api/backend.ts";
import type { ContainerConfig } from "../../api/types/container.ts";
import { type Digest, parseDigest } from "../../base/digest.ts";
import { applyChanges } from "../../image/changes.ts";
import { type ImageConfigFile, type RunConfig, writeConfig } from "../../image/config.ts";
import { hostPlatform } from "../../image/platform.ts";
import { familiarString } from "../../image/reference.ts";
import type { LayerInfo } from "../../storage/snapshot.ts";
import { changesTar } from "../archive/tree.ts";
import { whole } from "../archive/whole.ts";
import { mergeConfig } from "../containers/merge.ts";
import { now } from "../time.ts";
import { addTar } from "./add-tar.ts";
import type { IngestSession } from "./collector.ts";
import { emitImage, type ImageContext } from "./context.ts";
import type { ContainerSource } from "./contract.ts";
import { nameImage, repositoryAndTag } from "./tag.ts";

/** SHA-256 of the tar of no changes; such a layer is left out, as Docker does. */
const EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

export async function commitImage(
  context: ImageContext,
  options: CommitOptions,
  signal: AbortSignal,
): Promise<{ Id: string }> {
  const { shelf } = context;
  const name = repositoryAndTag(options.repo, options.tag);
  const source = await context.sources.find(options.container);
  const changed = applyChanges(runConfig(options.config ?? source.config), options.changes);
  const config = runConfig(mergeConfig(wireConfig(changed), wireConfig(runConfig(source.config))));
  const base = await baseOf(context, source);
  await using session = shelf.session();
  const layer = await readChanges(context, session, source, options.pause, signal);
  const isEmpty = layer.layer.diffId === EMPTY_TAR;
  const layers = isEmpty ? base.layers : [...base.layers, layer.layer];
  const id = await shelf.add({
    config: writeConfig(childConfig(base.config, options, source, config, layers, isEmpty)),
    layers,
    blobs: isEmpty ? [] : layer.blobs,
    manifest: undefined,
    parent: base.id,
    session,
  });
  await emitImage(context, "create", id);
  if (name !== undefined) await nameImage(context, id, name);
  context.emit("container", "commit", {
    ID: source.id,
    Attributes: {
      ...source.config.Labels,
      comment: options.comment,
      imageID: id,
      imageRef: name === undefined ? "" : familiarString(name),
    },
  });
  return { Id: id };
}

interface Base {
  readonly id: Digest | undefined;
  readonly config: ImageConfigFile | undefined;
  readonly layers: readonly LayerInfo[];
}

/** The container's image; a container that was made from none has no base. @throws HoyError "not-found" */
async function baseOf({ shelf }: ImageContext, source: ContainerSource): Promise<Base> {
  if (source.imageId === "") return { id: undefined, config: undefined, layers: [] };
  const row = shelf.find(source.imageId);
  const layers = shelf.table.layersOf(row.id).map(
    (layer): LayerInfo => ({
      diffId: parseDigest(layer.diff_id),
      tarSize: layer.tar_size,
      size: layer.size,
      entries: layer.entries,
    }),
  );
  return { id: parseDigest(row.id), config: await shelf.config(row.id), layers };
}

/** The processes stand still only while their files are read. */
async function readChanges(
  context: ImageContext,
  session: IngestSession,
  source: ContainerSource,
  pause: boolean,
  signal: AbortSignal,
) {
  const thaw = pause ? await source.freeze() : undefined;
  try {
    return await whole(source, () => addTar(context.shelf, session, changesTar(source, signal), { signal }));
  } finally {
    await thaw?.();
  }
}

function childConfig(
  base: ImageConfigFile | undefined,
  options: CommitOptions,
  source: ContainerSource,
  config: RunConfig,
  layers: readonly LayerInfo[],
  isEmpty: boolean,
): ImageConfigFile {
  const created = now();
  return {
    created,
    author: options.author,
    comment: options.comment,
    architecture: base?.architecture ?? hostPlatform.architecture,
    variant: base?.variant ?? (base === undefined ? hostPlatform.variant : undefined),
    os: base?.os ?? hostPlatform.os,
    "os.version": base?.["os.version"],
    "os.features": base?.["os.features"],
    config,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: [
      ...(base?.history ?? []),
      {
        created,
        created_by: (source.config.Cmd ?? []).join(" "),
        ...(options.author === "" ? {} : { author: options.author }),
        ...(options.comment === "" ? {} : { comment: options.comment }),
        ...(isEmpty ? { empty_layer: true } : {}),
      },
    ],
  };
}

/** The part of a container's config that an image has; the rest (tty, hostname …) was this container's alone. */
function runConfig(config: ContainerConfig): RunConfig {
  const health = config.Healthcheck;
  return {
    User: config.User,
    ExposedPorts: keys(config.ExposedPorts),
    Env: config.Env,
    Cmd: config.Cmd,
    Healthcheck: health ?? undefined,
    ArgsEscaped: config.ArgsEscaped ?? undefined,
    Volumes: keys(config.Volumes),
    WorkingDir: config.WorkingDir,
    Entrypoint: config.Entrypoint,
    OnBuild: config.OnBuild ?? undefined,
    Labels: config.Labels,
    StopSignal: config.StopSignal ?? undefined,
    StopTimeout: config.StopTimeout ?? undefined,
    Shell: config.Shell ?? undefined,
  };
}

/** Without the members that are not set: `mergeConfig` takes an own member for a value. */
function wireConfig(config: RunConfig): ContainerConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined && value !== null));
}

function keys(map: Record<string, unknown> | null | undefined): Record<string, Record<string, never>> | undefined {
  return map == null ? undefined : Object.fromEntries(Object.keys(map).map((key) => [key, {}]));
}
