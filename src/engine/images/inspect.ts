// `image inspect`: everything there is to say about one image.

import type { ImageConfig, ImageInspect } from "../../api/types/image.ts";
import type { RunConfig } from "../../image/config.ts";
import { parsePlatform } from "../../image/platform.ts";
import { ZERO_TIME } from "../time.ts";
import { type ImageContext, namesOf } from "./context.ts";
import { manifestSummary, slim } from "./list.ts";
import { manifestOf } from "./manifest-of.ts";
import { checkPlatform } from "./resolve.ts";

export async function inspectImage(
  context: ImageContext,
  ref: string,
  options: { manifests: boolean; platform: string | undefined },
): Promise<ImageInspect> {
  const { shelf } = context;
  const row = shelf.find(ref);
  const config = await shelf.config(row.id);
  if (options.platform !== undefined) checkPlatform(ref, parsePlatform(options.platform), config);
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
    Descriptor: slim(descriptor),
    ...(options.manifests ? { Manifests: [await manifestSummary(context, row, config)] } : {}),
  };
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
