// The frontend "dockerfile.v0": finds the Dockerfile, has it turned into a graph for each platform that was asked for,
// and gives the result. `--check` is a request of its own kind (BuildKit, frontend/subrequests).

import { posix } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { ignoreFileNames, parseIgnoreFile } from "../../../image/ignore/file.ts";
import { formatPlatform, normalizePlatform } from "../../../image/platform.ts";
import { buildDockerfile } from "../../frontend/build.ts";
import { type BuildContext, type DockerfileOptions, dockerfileOptions } from "../../frontend/options.ts";
import { checkDockerfile } from "../../lint/check.ts";
import type { Tree } from "../../solver-contract.ts";
import type { BuildEvents } from "../control/progress.ts";
import { locatedError, type SourceFile } from "../errors.ts";
import { missing } from "../llb/values.ts";
import { type BuildRef, type BuildResult, META, newRef, ONLY, platformsMetadata } from "../result.ts";
import type { LentSession } from "../session/lend.ts";
import { type Attributes, buildPlatform, readAttributes } from "./attributes.ts";
import { type ContextParts, localSource, mainContext, namedContexts, node } from "./contexts.ts";
import { lintResult } from "./lint-result.ts";
import { forwardOf } from "./syntax.ts";

export interface DockerfileParts extends ContextParts {
  readonly session: LentSession;
  readonly events: BuildEvents;
}

const LIMIT = 2 * 1024 * 1024;
const DEFAULT = "Dockerfile";

/**
 * @returns attributes to go on with when the file names another frontend (`# syntax=IMAGE`)
 * @throws GrpcError that points into the Dockerfile; HoyError.
 */
export async function runDockerfile(
  attrs: Attributes,
  parts: DockerfileParts,
): Promise<BuildResult | { readonly forward: Attributes }> {
  const { session, events, needs, options } = parts;
  const read = readAttributes(attrs);
  session.limits = read.limits;
  const { file, context } = await load(attrs, parts);
  events.file = file;
  const forward = forwardOf(attrs, file.text);
  if (forward !== undefined) return { forward };
  const request = attrs.requestid ?? "";
  if (request !== "" && request !== "frontend.lint")
    throw missing(`the request ${JSON.stringify(request.slice(0, 100))}`);
  const common = {
    ...read.options,
    text: file.text,
    name: file.name,
    mainContext: context,
    contexts: await namedContexts(attrs, parts),
    buildPlatform,
  };
  const platforms = read.platforms ?? [undefined];
  try {
    if (request !== "") {
      const check = dockerfileOptions({ ...common, platform: platforms[0] });
      return { refs: new Map(), metadata: lintResult(file, await checkDockerfile(check, needs.solver, options)) };
    }
    const built = await Promise.all(
      platforms.map((platform) =>
        build(dockerfileOptions({ ...common, platform, showPlatform: platforms.length > 1 }), parts),
      ),
    );
    return resultOf(built, read.multiPlatform);
  } catch (thrown) {
    throw locatedError(thrown, file, undefined);
  }
}

interface Built {
  readonly ref: BuildRef;
  readonly config: Buffer;
  readonly platform: DockerfileOptions["buildPlatform"];
}

async function build(given: DockerfileOptions, { needs, options }: DockerfileParts): Promise<Built> {
  const result = await buildDockerfile(given, needs.solver, options);
  const { os, architecture, variant } = result.config;
  const platform = given.platform ?? normalizePlatform({ os, architecture, variant });
  const history = result.history.map(({ entry }) => entry);
  const config = { ...result.config, history, rootfs: { type: "layers", diff_ids: [] } };
  return { ref: newRef(result.target, result), config: Buffer.from(JSON.stringify(config)), platform };
}

function resultOf(built: readonly Built[], multiPlatform: boolean): BuildResult {
  const metadata = new Map<string, Uint8Array>();
  const refs = new Map<string, BuildRef>();
  const platforms = built.map(({ platform }) => ({ id: formatPlatform(platform), platform }));
  metadata.set(META.platforms, platformsMetadata(platforms));
  for (const { ref, config, platform } of built) {
    const id = formatPlatform(platform);
    refs.set(multiPlatform ? id : ONLY, ref);
    metadata.set(multiPlatform ? `${META.config}/${id}` : META.config, config);
  }
  return { refs, metadata };
}

async function load(
  attrs: Attributes,
  parts: DockerfileParts,
): Promise<{ readonly file: SourceFile; readonly context: BuildContext }> {
  const name = posix.normalize(attrs.filename ?? DEFAULT).replace(/^\/+/, "");
  if (name === ".." || name.startsWith("../")) throw new HoyError("invalid", `Forbidden path: ${name}`);
  const main = await mainContext(attrs, parts);
  const own = attrs.dockerfilekey;
  if (own === undefined && main.text !== undefined) return { file: { name, text: main.text }, context: main.context };
  const { solver } = parts.needs;
  const from =
    own === undefined && main.tree !== undefined
      ? main.tree
      : await definition(name, own ?? "dockerfile", attrs, parts);
  const read = async (tree: Tree, path: string) => {
    const data = await solver.readFile(tree, path, LIMIT);
    return data === undefined ? undefined : Buffer.from(data).toString("utf8");
  };
  const lower = posix.join(posix.dirname(name), DEFAULT.toLowerCase());
  const isDefault = posix.basename(name) === DEFAULT;
  const text = (await read(from, name)) ?? (isDefault ? await read(from, lower) : undefined);
  if (text === undefined) {
    throw new HoyError("not-found", `failed to read dockerfile: open ${name}: no such file or directory`);
  }
  const [besides = "", inContext = ""] = ignoreFileNames(name);
  let ignore = await read(from, besides);
  if (ignore === undefined && main.tree !== undefined) ignore = await read(main.tree, inContext);
  if (ignore === undefined && main.context.type === "local" && main.tree === undefined) {
    const source = localSource(main.context.name, attrs, parts, { followPaths: [inContext] });
    const input = node({ kind: "source", ...source }, [], "[internal] load .dockerignore");
    ignore = await read(await solver.solve(input, parts.options), inContext);
  }
  const exclude = ignore === undefined ? [] : parseIgnoreFile(ignore);
  const context = main.context.type === "local" ? { ...main.context, exclude } : main.context;
  return { file: { name, text }, context };
}

/** The Dockerfile, in either case, and what stands beside it for it alone. */
function definition(name: string, local: string, attrs: Attributes, parts: DockerfileParts): Promise<Tree> {
  const paths = [name, ...ignoreFileNames(name).slice(0, 1)];
  if (posix.basename(name) === DEFAULT) paths.push(posix.join(posix.dirname(name), DEFAULT.toLowerCase()));
  const source = localSource(local, attrs, parts, { followPaths: paths });
  return parts.needs.solver.solve(
    node({ kind: "source", ...source }, [], `[internal] load build definition from ${name}`),
    parts.options,
  );
}
