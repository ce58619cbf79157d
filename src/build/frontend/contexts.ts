// Named contexts: what `--build-context name=…` puts in the place of a stage or an image.

import { formatPlatform, type Platform } from "../../image/platform.ts";
import { familiarString, tryParseReference } from "../../image/reference.ts";
import type { Input, Source } from "../graph.ts";
import { vertex } from "../graph.ts";
import type { BuildContext, DockerfileOptions } from "./options.ts";

/** These two words always mean themselves. */
const OWN_NAMES: ReadonlySet<string> = new Set(["scratch", "context"]);

/** By a stage's name, or an image's: `busybox`, `busybox:latest` and `docker.io/library/busybox` are one. */
export function contextFor(name: string, platform: Platform, options: DockerfileOptions): BuildContext | undefined {
  if (options.contexts.size === 0 || OWN_NAMES.has(name.toLowerCase())) return undefined;
  const reference = tryParseReference(name);
  const short = reference === undefined ? name : familiarString(reference).replace(/:latest$/, "");
  return options.contexts.get(`${short}::${formatPlatform(platform)}`) ?? options.contexts.get(short);
}

/**
 * The context as a vertex. Of a local one only `paths` are asked for: the list is filled while the stages are carried
 * out, which is why it is shared and not copied.
 */
export function contextInput(
  context: Exclude<BuildContext, { type: "image" }>,
  name: string,
  platform: Platform,
  paths: string[],
): Input {
  if (context.type === "result") return context.input;
  const source: Source =
    context.type === "local" && context.followPaths.length === 0 ? { ...context, followPaths: paths } : context;
  const op = { kind: "source", ...source } as const;
  return { vertex: vertex(op, [], { platform, name, ignoreCache: false, lines: undefined }), output: 0 };
}

/** Empty when all of it is used. */
export function usedPaths(paths: ReadonlySet<string>): string[] {
  return paths.has("/") ? [] : [...paths].map((path) => path.slice(1)).sort();
}
