// Where the files of a classic build come from: a tar in the body, a git repository, or a URL of a tar or of a lone
// Dockerfile. And the Dockerfile in it.

import { posix } from "node:path";
import type { BuildRequest } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { FETCHED, fetchedFile, fetchedText, unpackFetched } from "../../build/frontend/fetched.ts";
import { parseGitRef } from "../../build/frontend/git-ref.ts";
import { type Input, type Op, type Source, vertex } from "../../build/graph.ts";
import type { LayerSession } from "../../build/needs.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { SolveOptions, Tree } from "../../build/solver-contract.ts";
import { ignoreFileNames, parseIgnoreFile } from "../../image/ignore/file.ts";
import { hostPlatform } from "../../image/platform.ts";
import type { FoundDockerfile } from "./request-options.ts";
import { filterContext, receiveContext } from "./tar-context.ts";

export interface OpenContext {
  local(source: Extract<Source, { type: "local" }>, signal: AbortSignal): Promise<Tree>;
  dockerfile(options: SolveOptions): Promise<FoundDockerfile>;
}

export interface ContextParts {
  readonly solver: GraphSolver;
  readonly layers: LayerSession;
  readonly signal: AbortSignal;
}

const MAX_DOCKERFILE = 2 * 1024 * 1024;
const MAX_IGNORE = 2 * 1024 * 1024;
const DEFAULT = "Dockerfile";

/** A body is read to its end here. */
export async function openContext(
  request: BuildRequest,
  body: AsyncIterable<Uint8Array>,
  { solver, layers, signal }: ContextParts,
): Promise<OpenContext> {
  if (request.remote === "" || request.remote === "client-session") {
    const name = nameOf(request);
    const wanted = [name, DEFAULT.toLowerCase(), ...ignoreFileNames(name)];
    const { tree, file } = await receiveContext(body, wanted, { layers, knownTrees: solver.knownTrees }, signal);
    const read: ReadFile = async (path, limit) => {
      const passed = file(path);
      return passed === "ask" ? solver.readFile(tree, path, limit) : passed;
    };
    return {
      local: (source, abort) => filterContext(tree, source, solver, layers, abort),
      dockerfile: (options) => findDockerfile(request, read, undefined, options),
    };
  }
  return {
    local: async ({ name }) => {
      throw new HoyError("invalid", `there is no local directory ${name}: the context is ${request.remote}`);
    },
    dockerfile: (options) => fromRemote(request, solver, options),
  };
}

/** undefined: there is none. @throws HoyError "too-large". */
type ReadFile = (path: string, limit: number) => Promise<Uint8Array | undefined>;

function nameOf({ dockerfile }: BuildRequest): string {
  const name = posix.normalize(dockerfile === "" ? DEFAULT : dockerfile).replace(/^\/+/, "");
  if (name !== ".." && !name.startsWith("../")) return name;
  throw new HoyError("invalid", `Forbidden path outside the build context: ${dockerfile}`);
}

async function findDockerfile(
  request: BuildRequest,
  read: ReadFile,
  context: FoundDockerfile["context"] | undefined,
  options: SolveOptions,
): Promise<FoundDockerfile> {
  const name = nameOf(request);
  const wanted = request.dockerfile === "" ? DEFAULT : request.dockerfile;
  const found = await read(name, MAX_DOCKERFILE);
  // As Docker: the default name is found in lower case too.
  const data = found ?? (wanted === DEFAULT ? await read(DEFAULT.toLowerCase(), MAX_DOCKERFILE) : undefined);
  if (data === undefined) throw new HoyError("invalid", `Cannot locate specified Dockerfile: ${wanted}`);
  options.signal.throwIfAborted();
  let exclude: string[] = [];
  for (const each of ignoreFileNames(name)) {
    const text = await read(each, MAX_IGNORE);
    if (text === undefined) continue;
    exclude = parseIgnoreFile(Buffer.from(text).toString("utf8"));
    break;
  }
  const local = { type: "local", name: FETCHED, include: [], exclude, followPaths: ["/"] } as const;
  return { text: Buffer.from(data).toString("utf8"), name, context: context ?? local };
}

async function fromRemote(request: BuildRequest, solver: GraphSolver, options: SolveOptions): Promise<FoundDockerfile> {
  const git = parseGitRef(request.remote);
  if (git !== undefined) {
    const { remote: url, ref, subdirectory, checksum, keepGitDir = false } = git;
    const source = { type: "git", url, ref, subdirectory, keepGitDir, checksum } as const;
    const input = node({ kind: "source", ...source }, [], `[internal] load git source ${request.remote}`);
    const tree = await solver.solve(input, options);
    return findDockerfile(request, reader(solver, tree), { type: "result", input, config: undefined }, options);
  }
  const fetched = node(fetchedFile(request.remote), [], "[internal] load remote build context");
  const tree = await solver.solve(fetched, options);
  const text = await fetchedText(solver, tree, MAX_DOCKERFILE);
  if (text !== undefined) {
    const empty = node({ kind: "source", type: "scratch" }, [], "[internal] no build context");
    const context = { type: "result", input: empty, config: undefined } as const;
    return { text: text, name: DEFAULT, context };
  }
  const unpacked = node(unpackFetched, [fetched], "[internal] unpack the build context");
  const files = await solver.solve(unpacked, options);
  return findDockerfile(
    request,
    reader(solver, files),
    { type: "result", input: unpacked, config: undefined },
    options,
  );
}

function reader(solver: GraphSolver, tree: Tree): ReadFile {
  return (path, limit) => solver.readFile(tree, path, limit);
}

function node(op: Op, inputs: readonly Input[], name: string): Input {
  return {
    vertex: vertex(op, inputs, { platform: hostPlatform, name, ignoreCache: false, lines: undefined }),
    output: 0,
  };
}
