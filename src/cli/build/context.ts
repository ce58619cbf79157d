// Where the files of a build and its Dockerfile come from: a directory here, standard input, or a place that the engine
// fetches from. Checked here as far as it can be, so that what is missing is said before anything is sent.

import { lstatSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ExitError } from "../base/errors.ts";
import type { CliIo } from "../io.ts";
import type { LentDirectory } from "./lend/files.ts";
import type { LentInput } from "./lend/upload.ts";
import { readDockerfile } from "./stdin-dockerfile.ts";

export interface OpenContext {
  /** Attributes of the frontend. */
  readonly attrs: Record<string, string>;
  readonly directories: Map<string, LentDirectory>;
  /** Standard input, where that is the context. */
  readonly input: LentInput | undefined;
  /** The directory that the context is; undefined for others. */
  readonly root: string | undefined;
}

/** What the engine fetches itself (BuildKit, gitutil.ParseGitRef and httputil). */
const REMOTE = /^(?:https?:\/\/|git:\/\/|git@|github\.com\/|ssh:\/\/|[a-z]+@[^/]+:)/;

export const isRemote = (where: string) => REMOTE.test(where);

/** @param file of `--file`, as written; "-": standard input */
export async function openContext(io: CliIo, where: string, file: string): Promise<OpenContext> {
  if (where === "-" && file === "-") {
    throw new ExitError(1, "ERROR: invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (where === "-") {
    if (io.stdin.isTTY) throw new ExitError(1, "ERROR: the context is read from standard input, which is a terminal");
    const { lendInput } = await import("./lend/upload.ts");
    const input = lendInput(() => io.stdin.read());
    const attrs: Record<string, string> = { context: input.url };
    if (file !== "") attrs.filename = file;
    return { attrs, directories: new Map(), input, root: undefined };
  }
  const given = file === "-" ? await givenDockerfile(io) : undefined;
  if (isRemote(where)) {
    const named: Record<string, string> = file === "" ? {} : { filename: file };
    if (given === undefined)
      return { attrs: { context: where, ...named }, directories: new Map(), input: undefined, root: undefined };
    const attrs = { context: where, dockerfilekey: "dockerfile", filename: "Dockerfile" };
    return { attrs, directories: new Map([["dockerfile", given]]), input: undefined, root: undefined };
  }
  const root = resolve(io.cwd, where);
  const context: LentDirectory = { kind: "directory", root: checkedRoot(root, where) };
  if (given !== undefined) {
    const directories = new Map<string, LentDirectory>([
      ["context", context],
      ["dockerfile", given],
    ]);
    return { attrs: { filename: "Dockerfile" }, directories, input: undefined, root };
  }
  const path = file === "" ? resolve(root, "Dockerfile") : resolve(io.cwd, file);
  checkDockerfile(path, file);
  const dockerfile: LentDirectory = { kind: "directory", root: dirname(path) };
  const directories = new Map<string, LentDirectory>([
    ["context", context],
    ["dockerfile", dockerfile],
  ]);
  return { attrs: { filename: basename(path) }, directories, input: undefined, root };
}

function checkedRoot(root: string, where: string): string {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined)
    throw new ExitError(1, `ERROR: unable to prepare context: path ${JSON.stringify(where)} not found`);
  if (!found.isDirectory())
    throw new ExitError(1, `ERROR: unable to prepare context: context must be a directory: ${root}`);
  return root;
}

/** The default name is found in lower case too. */
function checkDockerfile(path: string, file: string): void {
  const has = (each: string) => lstatSync(each, { throwIfNoEntry: false }) !== undefined;
  if (has(path) || (file === "" && has(resolve(dirname(path), "dockerfile")))) return;
  throw new ExitError(
    1,
    `ERROR: unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
  );
}

async function givenDockerfile(io: CliIo): Promise<LentDirectory> {
  const data = await readDockerfile(io.stdin.read(), "ERROR: ");
  if (data.length === 0) throw new ExitError(1, "ERROR: the Dockerfile on standard input is empty");
  return { kind: "file", name: "Dockerfile", data };
}
