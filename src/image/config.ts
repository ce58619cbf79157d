// The image's config: what to run and how, the layers' diff ids, and the history (image-spec, config.md, with the
// members Docker adds). The digest of its bytes is the image's id, so what was read is never written again from here.

import * as v from "valibot";
import { HoyError } from "../base/error.ts";
import { digestSchema } from "./descriptor.ts";
import { optional, readJson } from "./json.ts";
import { LAYER_LIMIT } from "./manifest.ts";

const HISTORY_LIMIT = 10_000;

const text = optional(v.string());
const words = optional(v.array(v.string()));
const map = optional(v.record(v.string(), v.string()));
/** Go's map[string]struct{}: only the keys mean anything. */
const set = optional(
  v.record(
    v.string(),
    v.pipe(
      v.unknown(),
      v.transform((): Record<string, never> => ({})),
    ),
  ),
);
const whole = optional(v.pipe(v.number(), v.safeInteger()));
/** Docker reads a lone string as a list of one (strslice). */
const command = optional(
  v.union([
    v.array(v.string()),
    v.pipe(
      v.string(),
      v.transform((one) => [one]),
    ),
  ]),
);
const time = optional(
  v.pipe(
    v.string(),
    v.check((value) => !Number.isNaN(Date.parse(value)), "not a time"),
  ),
);

const healthSchema = v.object({
  Test: words,
  Interval: whole,
  Timeout: whole,
  StartPeriod: whole,
  StartInterval: whole,
  Retries: whole,
});

const runSchema = v.object({
  User: text,
  ExposedPorts: set,
  Env: words,
  Cmd: command,
  Healthcheck: optional(healthSchema),
  ArgsEscaped: optional(v.boolean()),
  Volumes: set,
  WorkingDir: text,
  Entrypoint: command,
  OnBuild: words,
  Labels: map,
  StopSignal: text,
  StopTimeout: whole,
  Shell: words,
});

const historySchema = v.object({
  created: time,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: optional(v.boolean()),
});

const configSchema = v.object({
  created: time,
  author: text,
  comment: text,
  architecture: v.nullish(v.string(), ""),
  os: v.pipe(
    v.nullish(v.string(), ""),
    v.transform((value) => (value === "" ? "linux" : value)),
  ),
  "os.version": text,
  "os.features": words,
  variant: text,
  docker_version: text,
  config: optional(runSchema),
  rootfs: v.object({
    type: v.literal("layers"),
    diff_ids: v.nullish(v.pipe(v.array(digestSchema), v.maxLength(LAYER_LIMIT)), []),
  }),
  history: optional(v.pipe(v.array(historySchema), v.maxLength(HISTORY_LIMIT))),
  /** BuildKit's inline cache: JSON in base64. */
  "moby.buildkit.cache.v0": text,
});

export type ImageConfigFile = v.InferOutput<typeof configSchema>;
export type RunConfig = v.InferOutput<typeof runSchema>;
export type HealthCheck = v.InferOutput<typeof healthSchema>;
export type HistoryEntry = v.InferOutput<typeof historySchema>;

/** @throws HoyError "invalid", "too-large" */
export function parseConfig(bytes: Uint8Array): ImageConfigFile {
  const config = readJson(configSchema, bytes, "image config");
  const filled = config.history?.filter((entry) => entry.empty_layer !== true).length;
  if (filled !== undefined && filled > config.rootfs.diff_ids.length) {
    throw new HoyError("invalid", "the image config is not valid: too many non-empty layers in History section");
  }
  return config;
}

/** The bytes of a new config, members in alphabetical order and empty ones left out, as Docker writes them. */
export function writeConfig(config: ImageConfigFile): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(sorted(config)));
}

function sorted(config: ImageConfigFile): Record<string, unknown> {
  const entries = Object.entries({ ...config, config: config.config ?? {} });
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && value !== "").sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
