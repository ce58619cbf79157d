// For tests: graphs made by hand, a session with files to lend, and a record of what was told.

import type { Digest } from "../../base/digest.ts";
import { type ExecMount, type ExecOp, type FileChange, type Input, type Op, vertex } from "../../build/graph.ts";
import { treeOf } from "../../build/solver/digests.ts";
import type { BuildProgress, BuildSession, Tree } from "../../build/solver-contract.ts";
import { hostPlatform } from "../../image/platform.ts";
import { textToRaw } from "../../storage/tar/entry.ts";
import type { TarHeader } from "../../storage/tar/writer.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter } from "../../storage/tar/writer.ts";
import type { Engine } from "../engine.ts";

export function node(op: Op, inputs: readonly Input[] = [], ignoreCache = false, name: string = op.kind): Input {
  return {
    vertex: vertex(op, inputs, { platform: hostPlatform, name, ignoreCache, lines: undefined }),
    output: 0,
  };
}

export const busybox = (): Input => node({ kind: "source", type: "image", ref: "busybox", mode: "default" });

export const context = (name = "context"): Input =>
  node({ kind: "source", type: "local", name, include: [], exclude: [], followPaths: [] });

export const scratch = (): Input => node({ kind: "source", type: "scratch" });

const ROOT: ExecMount = {
  input: 0,
  selector: "",
  target: "/",
  readonly: false,
  output: 0,
  detail: { type: "bind" },
};

export function execOp(command: string, change: Partial<ExecOp> = {}): ExecOp {
  return {
    kind: "exec",
    args: ["/bin/sh", "-c", command],
    env: ["PATH=/bin"],
    cwd: "/",
    user: "",
    hostname: "",
    network: "none",
    insecure: false,
    extraHosts: [],
    ulimits: [],
    shmSize: 0,
    cgroupParent: "",
    proxyEnv: [],
    secretEnv: [],
    ...change,
    mounts: [ROOT, ...(change.mounts ?? [])],
  };
}

export function run(base: Input, command: string, change: Partial<ExecOp> = {}, more: readonly Input[] = []): Input {
  return node(execOp(command, change), [base, ...more], false, `RUN ${command}`);
}

export type Copy = Extract<FileChange, { type: "copy" }>;

export const COPY: Copy = {
  type: "copy",
  source: "/",
  target: "/",
  owner: undefined,
  mode: undefined,
  followSymlink: true,
  contentsOnly: true,
  unpack: false,
  createTarget: true,
  allowWildcard: true,
  allowEmptyWildcard: true,
  include: [],
  exclude: [],
  parents: false,
  alwaysReplace: false,
  created: undefined,
};

export function copy(base: Input, from: Input, change: Partial<Copy>): Input {
  const action = { ...COPY, ...change };
  return node({ kind: "file", actions: [{ input: 0, secondary: 1, output: 0, action }] }, [base, from]);
}

export interface TestFile {
  readonly path: string;
  readonly data?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly mtime?: number;
}

export function tarOf(files: readonly TestFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { path, data = "", link, mode, uid = 0, mtime = 1_700_000_000 } of files) {
    const isDirectory = path.endsWith("/");
    const type: TarHeader["type"] = isDirectory ? "dir" : link === undefined ? "file" : "symlink";
    const bytes = Buffer.from(data);
    const header = formatHeader({
      type,
      name: textToRaw(path),
      linkname: textToRaw(link ?? ""),
      mode: mode ?? (isDirectory ? 0o755 : 0o644),
      uid,
      gid: uid,
      size: bytes.length,
      mtime: BigInt(mtime) * 1_000_000_000n,
      device: { major: 0, minor: 0 },
      xattrs: new Map(),
    });
    parts.push(header, bytes, paddingAfter(bytes.length));
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** A build of one client: its files, secrets, and everything it was told. */
export class TestBuild implements AsyncDisposable {
  readonly log: string[] = [];
  readonly events: string[] = [];
  readonly secrets = new Map<string, string>();
  readonly files = new Map<string, readonly TestFile[]>();
  readonly abort = new AbortController();
  readonly #engine: Engine;
  readonly #stack = new AsyncDisposableStack();
  readonly #names = new Map<Digest, string>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#stack.defer(() => engine.solver.end(this.session));
  }

  readonly session: BuildSession = {
    id: "test",
    local: async ({ name }): Promise<Tree> => {
      const layers = this.#stack.use(this.#engine.solver.needs.layers.session());
      const tar = tarOf(this.files.get(name) ?? []);
      const { diffId } = await layers.add(once(tar), this.abort.signal);
      return treeOf([diffId]);
    },
    secret: async (id) => {
      const secret = this.secrets.get(id);
      return secret === undefined ? undefined : Buffer.from(secret);
    },
    ssh: async () => undefined,
    registryAuth: async () => undefined,
  };

  readonly progress: BuildProgress = {
    vertex: (each, id) => void this.#names.set(id, each.name),
    started: () => undefined,
    completed: (id, _, { cached, error }) => {
      const outcome = error === undefined ? (cached ? "cached" : "done") : `failed: ${error}`;
      this.events.push(`${this.#names.get(id)} ${outcome}`);
    },
    log: (_, stream, data) => void this.log.push(`${stream}: ${Buffer.from(data).toString()}`),
    status: () => undefined,
    warning: () => undefined,
  };

  async solve(target: Input, sourceDateEpoch?: number): Promise<Tree> {
    const { session, progress, abort } = this;
    const entitlements = { networkHost: true, insecure: true };
    const options = { session, progress, signal: abort.signal, entitlements, sourceDateEpoch };
    return this.#engine.solver.solve(target, options);
  }

  /** The text of a file in what a target makes. */
  async read(target: Input, path: string): Promise<string | undefined> {
    const data = await this.#engine.solver.readFile(await this.solve(target), path, 1_000_000);
    return data === undefined ? undefined : Buffer.from(data).toString();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}
