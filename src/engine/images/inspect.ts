// `image inspect`: everything there is to say about one image.

import type { ImageConfig, ImageInspect } from "../../api/types/image.ts";
import { isDigest } from "../../base/digest.ts";
import type { RunConfig } from "../../image/config.ts";
import { parseManifest } from "../../image/manifest.ts";
import { parsePlatform } from "../../image/platform.ts";
import { ZERO_TIME } from "../time.ts";
import { type ImageContext, namesOf } from "./context.ts";
import { manifestOf } from "./manifest-of.ts";
import { manifestSummaries, slim } from "./manifest-summary.ts";
import { checkPlatform } from "./resolve.ts";
import type { ImageShelf } from "./shelf.ts";

export async function inspectImage(
  context: ImageContext,
  ref: string,
  options: { manifests: boolean; platform: string | undefined },
): Promise<ImageInspect> {
  const { shelf } = context;
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const row = shelf.find(ref, wanted);
  const config = await shelf.config(row.id);
  if (wanted !== undefined) checkPlatform(ref, wanted, config);
  const index = wanted === undefined ? shelf.indexOf(ref) : undefined;
  const { tags, digests } = namesOf(shelf, row.id);
  const { descriptor } = await manifestOf(shelf, row);
  return {
    Id: row.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: row.parent ?? "",
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? "",
    Created: config.created ?? null,
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: wireConfig(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] === undefined ? {} : { OsVersion: config["os.version"] }),
    Size: row.size,
    GraphDriver: { Name: shelf.driver.name, Data: {} },
    RootFS: { Type: "layers", Layers: [...config.rootfs.diff_ids] },
    Metadata: { LastTagTime: row.tagged === "" ? ZERO_TIME : row.tagged },
    Descriptor: (await indexDescriptor(shelf, index)) ?? slim(descriptor),
    ...(options.manifests ? { Manifests: await manifestSummaries(context, row, config, index) } : {}),
  };
}

async function indexDescriptor(shelf: ImageShelf, index: string | undefined) {
  if (index === undefined || !isDigest(index)) return undefined;
  const bytes = await shelf.content.read(index);
  return { mediaType: parseManifest(bytes).mediaType, digest: index, size: bytes.byteLength };
}

/** The members clients look at are always there; the rarer ones only when the image sets them. */
function wireConfig(config: RunConfig): ImageConfig {
  const { Cmd, Entrypoint, ExposedPorts, Healthcheck, ArgsEscaped, Volumes, StopSignal, Shell, OnBuild } = config;
  const rare = { Cmd, Entrypoint, ExposedPorts, Healthcheck, ArgsEscaped, Volumes, StopSignal, Shell };
  return {
    User: config.User ?? "",
    Env: config.Env ?? [],
    WorkingDir: config.WorkingDir ?? "",
    OnBuild: OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...Object.fromEntries(Object.entries(rare).filter(([, value]) => value !== undefined)),
  };
}
