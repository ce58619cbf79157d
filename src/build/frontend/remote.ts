// ADD's sources that are not paths: files behind URLs and git repositories.

import { posix } from "node:path";
import { Fault } from "../dockerfile/fault.ts";
import type { Add, Copy } from "../dockerfile/instructions/types.ts";
import type { FileAction, Input, Source } from "../graph.ts";
import { type GitRef, parseGitRef } from "./git-ref.ts";
import type { Scope } from "./scope.ts";

type FileCopy = Extract<FileAction["action"], { type: "copy" }>;

export interface RemoteSource {
  readonly tree: Input;
  readonly copy: Pick<FileCopy, "source"> & Partial<FileCopy>;
}

const UNNAMED = "__unnamed__";

/** undefined: `source` is a path. @throws Fault */
export function remoteSource(
  scope: Scope,
  instruction: Add | Copy,
  source: string,
  name: string,
): RemoteSource | undefined {
  const git = parseGitRef(source);
  const isHttp = /^https?:\/\//.test(source);
  if (git === undefined && !isHttp) {
    if (instruction.kind === "ADD" && instruction.checksum !== "") {
      throw new Fault("checksum requires HTTP(S) or Git sources");
    }
    return undefined;
  }
  if (instruction.kind === "COPY") {
    throw new Fault(git === undefined ? "source can't be a URL for COPY" : "source can't be a git ref for COPY");
  }
  const fetched = git === undefined ? httpSource(instruction, source) : gitSource(instruction, git);
  const op = { kind: "source", ...fetched } as const;
  const tree: Input = { vertex: scope.vertex(op, [], name, "always"), output: 0 };
  if (fetched.type !== "http") return { tree, copy: { source: "/", contentsOnly: true } };
  // Archives from elsewhere are unpacked only when that is asked for.
  return { tree, copy: { source: `/${fetched.filename}`, unpack: instruction.unpack ?? false } };
}

function httpSource(instruction: Add, url: string): Extract<Source, { type: "http" }> {
  const { checksum } = instruction;
  if (checksum !== "" && !/^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/.test(checksum)) {
    throw new Fault(/^[a-z0-9]+:/.test(checksum) ? "invalid checksum digest length" : "invalid checksum digest format");
  }
  return { type: "http", url, checksum, filename: fileName(url), mode: undefined, uid: 0, gid: 0 };
}

function fileName(url: string): string {
  if (!URL.canParse(url)) return UNNAMED;
  const base = posix.basename(decoded(new URL(url).pathname));
  return ["", ".", "..", "/"].includes(base) || base.includes("\0") ? UNNAMED : base;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}

function gitSource(instruction: Add, git: GitRef): Extract<Source, { type: "git" }> {
  const { keepGitDir, checksum } = instruction;
  if (keepGitDir !== undefined && git.keepGitDir !== undefined && keepGitDir !== git.keepGitDir) {
    throw new Fault("inconsistent keep-git-dir configuration");
  }
  if (checksum !== "" && git.checksum !== "" && checksum !== git.checksum) {
    throw new Fault(`checksum mismatch ${JSON.stringify(checksum)} != ${JSON.stringify(git.checksum)}`);
  }
  return {
    type: "git",
    url: git.remote,
    ref: git.ref,
    subdirectory: git.subdirectory,
    keepGitDir: git.keepGitDir ?? keepGitDir ?? false,
    checksum: git.checksum || checksum,
    ...(git.submodules === false ? { skipSubmodules: true } : {}),
  };
}
