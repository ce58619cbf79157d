// An image as people look at it: platforms, layers with what made each, and how it runs, from its manifest and config.
// Read leniently: what a client once pushed may hold anything, and the page shows what can be read of it.

import * as v from "valibot";
import type { AnyDigest } from "../names.ts";
import { parseAnyDigest } from "../names.ts";
import type { RegistryStorage } from "../storage.ts";

const CONFIG_LIMIT = 4 * 1024 * 1024;
const CONFIG_TYPES = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

const text = v.fallback(v.nullish(v.string()), undefined);
const list = v.fallback(v.nullish(v.array(v.string())), undefined);
const descriptor = v.object({
  mediaType: v.string(),
  digest: v.string(),
  size: v.number(),
  platform: v.nullish(v.object({ os: v.string(), architecture: v.string(), variant: text })),
  annotations: v.nullish(v.record(v.string(), v.string())),
});
const descriptors = v.fallback(v.nullish(v.array(descriptor)), undefined);
const manifestSchema = v.object({
  config: v.fallback(v.nullish(descriptor), undefined),
  layers: descriptors,
  manifests: descriptors,
  annotations: v.fallback(v.nullish(v.record(v.string(), v.string())), undefined),
});
const step = v.object({
  created: text,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: v.fallback(v.nullish(v.boolean()), undefined),
});
const configSchema = v.object({
  created: text,
  author: text,
  os: text,
  architecture: text,
  variant: text,
  config: v.fallback(
    v.nullish(
      v.object({
        Entrypoint: list,
        Cmd: list,
        Env: list,
        User: text,
        WorkingDir: text,
        StopSignal: text,
        ExposedPorts: v.fallback(v.nullish(v.record(v.string(), v.unknown())), undefined),
        Volumes: v.fallback(v.nullish(v.record(v.string(), v.unknown())), undefined),
        Labels: v.fallback(v.nullish(v.record(v.string(), v.string())), undefined),
      }),
    ),
    undefined,
  ),
  history: v.fallback(v.nullish(v.array(step)), undefined),
});

type Descriptor = v.InferOutput<typeof descriptor>;
type Config = v.InferOutput<typeof configSchema>;

/** The parts of the answer that come from the documents; see docs/registry.md. */
export async function imageOf(storage: RegistryStorage, repository: string, manifest: Uint8Array) {
  const read = v.safeParse(manifestSchema, parse(manifest));
  if (!read.success) return { platforms: [], layers: [], annotations: {}, config: null };
  const { config: configDescriptor, layers, manifests, annotations } = read.output;
  const config = configDescriptor == null ? undefined : await readConfig(storage, repository, configDescriptor);
  return {
    platforms: (manifests ?? []).map((each) => ({
      digest: each.digest,
      mediaType: each.mediaType,
      size: each.size,
      platform: each.platform == null ? null : platformOf(each.platform),
      annotations: each.annotations ?? {},
    })),
    layers: (layers ?? []).map(({ digest, mediaType, size }) => ({ digest, mediaType, size })),
    annotations: annotations ?? {},
    config: config === undefined ? null : shown(config, layers ?? []),
  };
}

function shown(config: Config, layers: readonly Descriptor[]) {
  const run = config.config;
  return {
    platform:
      config.os && config.architecture
        ? platformOf({ ...config, os: config.os, architecture: config.architecture })
        : null,
    created: config.created ?? null,
    author: config.author ?? null,
    entrypoint: run?.Entrypoint ?? [],
    cmd: run?.Cmd ?? [],
    env: run?.Env ?? [],
    user: run?.User ?? "",
    workingDir: run?.WorkingDir ?? "",
    stopSignal: run?.StopSignal ?? "",
    ports: Object.keys(run?.ExposedPorts ?? {}),
    volumes: Object.keys(run?.Volumes ?? {}),
    labels: run?.Labels ?? {},
    history: historyOf(config, layers),
  };
}

/** Each step that made a layer is given it, in order (image spec, config.md: history, empty_layer). */
function historyOf({ history }: Config, layers: readonly Descriptor[]) {
  let next = 0;
  return (history ?? []).map((each) => {
    const layer = each.empty_layer === true ? undefined : layers[next++];
    return {
      created: each.created ?? null,
      createdBy: each.created_by ?? "",
      author: each.author ?? "",
      comment: each.comment ?? "",
      layer: layer === undefined ? null : { digest: layer.digest, size: layer.size },
    };
  });
}

async function readConfig(storage: RegistryStorage, repository: string, { digest, mediaType }: Descriptor) {
  const parsed = parseAnyDigest(digest);
  if (parsed === undefined || !CONFIG_TYPES.includes(mediaType)) return undefined;
  const bytes = await readSmall(storage, repository, parsed);
  const read = bytes === undefined ? undefined : v.safeParse(configSchema, parse(bytes));
  return read?.success ? read.output : undefined;
}

async function readSmall(storage: RegistryStorage, repository: string, digest: AnyDigest) {
  const info = await storage.blob(repository, digest);
  if (info === undefined || info.size > CONFIG_LIMIT) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of await storage.readBlob(repository, digest, { start: 0, end: info.size })) parts.push(part);
  return Buffer.concat(parts);
}

function platformOf({
  os,
  architecture,
  variant,
}: {
  os: string;
  architecture: string;
  variant?: string | null | undefined;
}) {
  return [os, architecture, ...(variant ? [variant] : [])].join("/");
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
