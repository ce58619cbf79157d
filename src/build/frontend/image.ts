// Configs of images while they are made.

import type { RunConfig } from "../../image/config.ts";
import type { Platform } from "../../image/platform.ts";
import type { ImageDraft } from "./options.ts";

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** FROM scratch. */
export function emptyImage(platform: Platform): ImageDraft {
  return {
    architecture: platform.architecture,
    os: platform.os,
    created: undefined,
    author: undefined,
    comment: undefined,
    "os.version": undefined,
    "os.features": undefined,
    variant: platform.variant,
    docker_version: undefined,
    config: { ...EMPTY, Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: "/" },
  };
}

const EMPTY: RunConfig = {
  User: undefined,
  ExposedPorts: undefined,
  Env: undefined,
  Cmd: undefined,
  Healthcheck: undefined,
  ArgsEscaped: undefined,
  Volumes: undefined,
  WorkingDir: undefined,
  Entrypoint: undefined,
  OnBuild: undefined,
  Labels: undefined,
  StopSignal: undefined,
  StopTimeout: undefined,
  Shell: undefined,
};

export function configOf(image: ImageDraft): RunConfig {
  return image.config ?? EMPTY;
}

export function withConfig(image: ImageDraft, change: Partial<RunConfig>): ImageDraft {
  return { ...image, config: { ...configOf(image), ...change } };
}
