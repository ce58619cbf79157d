// Configs of images while they are made.

import type { RunConfig } from "../../image/config.ts";
import type { Platform } from "../../image/platform.ts";
import { Fault, withSuggestion } from "../dockerfile/fault.ts";
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

const UNSETTABLE: Readonly<Record<string, keyof RunConfig>> = {
  VOLUME: "Volumes",
  EXPOSE: "ExposedPorts",
  ENV: "Env",
  LABEL: "Labels",
};

/** Drops what the base image brought of these kinds; without ENV, PATH is the default again. @throws Fault */
export function dropped(image: ImageDraft, kinds: readonly string[]): ImageDraft {
  return kinds.reduce((draft, kind) => {
    const key = Object.hasOwn(UNSETTABLE, kind.toUpperCase()) ? UNSETTABLE[kind.toUpperCase()] : undefined;
    if (key === undefined) {
      const known = Object.keys(UNSETTABLE);
      throw new Fault(
        withSuggestion(`unset: unknown kind ${JSON.stringify(kind)}, only ${known.join(", ")}`, kind, known),
      );
    }
    return withConfig(draft, { [key]: undefined });
  }, image);
}
