// Where a build's files are, as its attributes say: a directory of the client, its standard input, a repository, a URL;
// and the named contexts beside them.

import { HoyError } from "../../../base/error.ts";
import { parseIgnoreFile } from "../../../image/ignore/file.ts";
import { familiarString, tryParseReference } from "../../../image/reference.ts";
import type { ContentSource } from "../../content/place.ts";
import { FETCHED, fetchedFile, fetchedText, plainText, unpackFetched } from "../../frontend/fetched.ts";
import { parseGitRef } from "../../frontend/git-ref.ts";
import type { BuildContext } from "../../frontend/options.ts";
import type { Input, Op, Source } from "../../graph.ts";
import { vertex } from "../../graph.ts";
import type { LayerSession } from "../../needs.ts";
import type { SolveOptions, Tree } from "../../solver-contract.ts";
import { parseDraftConfig } from "../draft-config.ts";
import { loadDefinition } from "../llb/definition.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { Definition } from "../proto/gen/ops_pb.ts";
import type { Results } from "../result.ts";
import { type Attributes, buildPlatform } from "./attributes.ts";
import { ociContext } from "./oci-context.ts";

export interface ContextParts {
  readonly needs: BuildkitNeeds;
  readonly layers: LayerSession;
  readonly options: SolveOptions;
  readonly inputs: Readonly<Record<string, Definition>>;
  /** Bytes that the client holds for a URL of its own. */
  readonly upload: (url: URL, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** A directory of blobs at the client, by its name there; reading begins at the digest. */
  readonly store: (name: string, digest: string) => Promise<ContentSource>;
  readonly results: Results;
  /** Trees that are there already, by the local name they go under. */
  readonly trees: Map<string, Tree>;
}

export interface MainContext {
  readonly context: BuildContext;
  /** Files to find the Dockerfile in, where it is not in a directory of the client's own. */
  readonly tree: Tree | undefined;
  /** The context was the Dockerfile, and there is nothing else. */
  readonly text: string | undefined;
}

const LIMIT = 2 * 1024 * 1024;

export function mainContext(attrs: Attributes, parts: ContextParts): Promise<MainContext> {
  const key = attrs.contextkey ?? "context";
  const remote = attrs[key] ?? "";
  const fromInput = parts.inputs.context;
  if (fromInput !== undefined) return solved(inputContext(fromInput, parts), parts);
  const git = parseGitRef(remote);
  if (git !== undefined) return solved(gitInput(remote, git), parts);
  if (/^https?:\/\//.test(remote)) return httpContext(new URL(remote), parts);
  return Promise.resolve({ context: localSource(key, attrs, parts), tree: undefined, text: undefined });
}

/**
 * A directory of the client, lent by the session that the attributes name for it, else by the build's own. It is always
 * named: another build, with a session of its own, may build upon this one's result.
 */
export function localSource(
  name: string,
  attrs: Attributes,
  { options }: Pick<ContextParts, "options">,
  more: Partial<Extract<Source, { type: "local" }>> = {},
): Extract<Source, { type: "local" }> {
  const session = attrs[`local-sessionid:${name}`] ?? options.session.id;
  return { type: "local", name, session, include: [], exclude: [], followPaths: [], ...more };
}

/** Of the contexts that were given a name; they go before stages and images of that name. */
export async function namedContexts(attrs: Attributes, parts: ContextParts): Promise<Map<string, BuildContext>> {
  const found = new Map<string, BuildContext>();
  for (const [attr, value] of Object.entries(attrs)) {
    if (!attr.startsWith("context:")) continue;
    const [name = "", platform] = attr.slice("context:".length).split("::");
    const reference = tryParseReference(name);
    const short = reference === undefined ? name : familiarString(reference).replace(/:latest$/, "");
    const key = platform === undefined ? short : `${short}::${platform}`;
    found.set(key, await namedContext(name, value, attrs, parts));
  }
  return found;
}

async function namedContext(
  name: string,
  value: string,
  attrs: Attributes,
  parts: ContextParts,
): Promise<BuildContext> {
  const image = /^docker-image:\/\/(.*)$/s.exec(value)?.[1];
  if (image !== undefined) return { type: "image", ref: image, mode: "default" };
  const git = parseGitRef(value);
  if (git !== undefined) return { type: "result", input: gitInput(value, git), config: undefined };
  if (/^https?:\/\//.test(value)) return (await httpContext(new URL(value), parts)).context;
  const local = /^local:(.*)$/s.exec(value)?.[1];
  if (local !== undefined) {
    const { solver } = parts.needs;
    const source = localSource(local, attrs, parts, { followPaths: [".dockerignore"] });
    const input = node({ kind: "source", ...source }, [], `[context ${name}] load .dockerignore`);
    const ignore = await solver.readFile(await solver.solve(input, parts.options), ".dockerignore", LIMIT);
    return localSource(local, attrs, parts, {
      exclude: ignore === undefined ? [] : parseIgnoreFile(Buffer.from(ignore).toString()),
      followPaths: ["/"],
    });
  }
  const input = /^input:(.*)$/s.exec(value)?.[1];
  if (input !== undefined) {
    const definition = parts.inputs[input];
    if (definition === undefined) throw new HoyError("invalid", `invalid input ${input} for ${name}`);
    return {
      type: "result",
      input: inputContext(definition, parts),
      config: inputConfig(attrs[`input-metadata:${input}`]),
    };
  }
  if (value.startsWith("oci-layout://")) return ociContext(name, value, attrs, parts);
  throw new HoyError("invalid", `unsupported context source ${value.slice(0, 100)} for ${name}`);
}

function inputContext(definition: Definition, { results }: ContextParts): Input {
  return loadDefinition(definition, results) ?? node({ kind: "source", type: "scratch" }, [], "[internal] nothing");
}

/** What another build's result says of its image: JSON of metadata, values in base64. */
function inputConfig(json: string | undefined) {
  if (json === undefined) return undefined;
  let config: unknown;
  try {
    config = (JSON.parse(json) as Record<string, unknown>)["containerimage.config"];
  } catch (thrown) {
    throw new HoyError("invalid", "metadata of an input can't be read", { cause: thrown });
  }
  return typeof config === "string" ? parseDraftConfig(Buffer.from(config, "base64")) : undefined;
}

function gitInput(remote: string, git: NonNullable<ReturnType<typeof parseGitRef>>): Input {
  const { remote: url, ref, subdirectory, checksum, keepGitDir = false } = git;
  const source = { kind: "source", type: "git", url, ref, subdirectory, keepGitDir, checksum } as const;
  return node(source, [], `[internal] load git source ${remote}`);
}

async function solved(input: Input, { needs, options }: ContextParts): Promise<MainContext> {
  const tree = await needs.solver.solve(input, options);
  return { context: { type: "result", input, config: undefined }, tree, text: undefined };
}

async function httpContext(url: URL, parts: ContextParts): Promise<MainContext> {
  const { needs, options } = parts;
  // Buildx's name for what it holds itself: its standard input.
  if (url.hostname === "buildkit-session") return uploaded(url, parts);
  const fetched = node(fetchedFile(url.href), [], "[internal] load remote build context");
  const tree = await needs.solver.solve(fetched, options);
  const text = await fetchedText(parts.needs.solver, tree, LIMIT);
  if (text !== undefined) return { context: nothing(), tree: undefined, text };
  return solved(node(unpackFetched, [fetched], "[internal] unpack the build context"), parts);
}

async function uploaded(url: URL, parts: ContextParts): Promise<MainContext> {
  const { needs, layers, trees, options } = parts;
  const chunks = parts.upload(url, options.signal)[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  while (length <= LIMIT && !ended) {
    const next = await chunks.next();
    if (next.done === true) ended = true;
    else {
      head.push(next.value);
      length += next.value.length;
    }
  }
  const text = ended ? plainText(Buffer.concat(head)) : undefined;
  if (text !== undefined) return { context: nothing(), tree: undefined, text };
  async function* whole() {
    yield* head;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  const tree = await needs.receiveTar(whole(), layers, options.signal);
  trees.set(FETCHED, tree);
  return { context: localSource(FETCHED, {}, parts, { followPaths: ["/"] }), tree, text: undefined };
}

function nothing(): BuildContext {
  const input = node({ kind: "source", type: "scratch" }, [], "[internal] no build context");
  return { type: "result", input, config: undefined };
}

export function node(op: Op, inputs: readonly Input[], name: string): Input {
  return {
    vertex: vertex(op, inputs, { platform: buildPlatform, name, ignoreCache: false, lines: undefined }),
    output: 0,
  };
}
