// What the classic builder is sent: a tar. Of a directory, less what its .dockerignore leaves out; of standard input as
// it comes, or of the one Dockerfile that it is. A Dockerfile from elsewhere goes beside the files, under a name that
// nobody has and that the commands do not see.

import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { ignoreFileNames, keepBuildFiles, parseIgnoreFile } from "../../image/ignore/file.ts";
import { Matcher } from "../../image/ignore/matcher.ts";
import { ExitError } from "../base/errors.ts";
import { packContext, packFiles } from "../copy/pack.ts";
import type { CliIo } from "../io.ts";
import { readDockerfile } from "./stdin-dockerfile.ts";

export interface ClassicContext {
  /** Its name inside the context. */
  readonly dockerfile: string;
  /** What the engine fetches itself; "" when it is sent. */
  readonly remote: string;
  readonly tar: AsyncIterable<Uint8Array>;
}

const REMOTE = /^(?:https?:\/\/|git:\/\/|git@|github\.com\/|ssh:\/\/)/;
const IGNORE = ".dockerignore";
const TAR_BLOCK = 512;

/** @param file of `--file`, as written; "-": standard input. @throws ExitError */
export async function classicContext(io: CliIo, where: string, file: string): Promise<ClassicContext> {
  if (where === "-") {
    if (file === "-") throw new ExitError(1, "invalid argument: can't use stdin for both build context and dockerfile");
    return givenContext(io, file);
  }
  const given = file === "-" ? await readDockerfile(io.stdin.read()) : undefined;
  if (REMOTE.test(where)) {
    if (given !== undefined)
      throw new ExitError(1, "a Dockerfile from standard input for a remote context needs BuildKit");
    return { dockerfile: file === "" ? "Dockerfile" : file, remote: where, tar: nothing() };
  }
  const root = resolve(io.cwd, where);
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) throw new ExitError(1, `unable to prepare context: path ${JSON.stringify(where)} not found`);
  if (!found.isDirectory()) throw new ExitError(1, `unable to prepare context: context must be a directory: ${root}`);
  if (given !== undefined) return withDockerfile(root, given);
  const path = file === "" ? join(root, "Dockerfile") : resolve(io.cwd, file);
  if ((await stat(path).catch(() => undefined)) === undefined) {
    throw new ExitError(
      1,
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
    );
  }
  const dockerfile = relative(root, path);
  if (dockerfile.startsWith("..")) return withDockerfile(root, await readFile(path));
  return { dockerfile, remote: "", tar: packContext(root, new Matcher(await ignorePatterns(root, dockerfile))) };
}

/** An archive, in whatever compression, or else a Dockerfile. */
async function givenContext(io: CliIo, file: string): Promise<ClassicContext> {
  const [head, all] = await peek(io.stdin.read());
  const dockerfile = file === "" ? "Dockerfile" : basename(file);
  if (isArchive(head)) return { dockerfile: file === "" ? "Dockerfile" : file, remote: "", tar: all };
  return { dockerfile, remote: "", tar: packFiles([{ name: dockerfile, data: await readDockerfile(all) }]) };
}

async function withDockerfile(root: string, data: Uint8Array): Promise<ClassicContext> {
  const dockerfile = `.dockerfile.${randomBytes(10).toString("hex")}`;
  const ignored = await ignoreText(root, [IGNORE]);
  const hidden = `${ignored === undefined ? "" : `${ignored}\n`}${IGNORE}\n${dockerfile}\n`;
  const more = [
    { name: IGNORE, data: Buffer.from(hidden) },
    { name: dockerfile, data },
  ];
  const patterns = ignored === undefined ? [] : parseIgnoreFile(ignored);
  return { dockerfile, remote: "", tar: packContext(root, new Matcher(patterns), more) };
}

/** Of `<Dockerfile>.dockerignore`, else `.dockerignore`; what the engine itself reads is always sent. */
async function ignorePatterns(root: string, dockerfile: string): Promise<string[]> {
  const text = await ignoreText(root, ignoreFileNames(dockerfile));
  return text === undefined ? [] : keepBuildFiles(parseIgnoreFile(text), dockerfile);
}

/** Of the first that is there. */
async function ignoreText(root: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const text = await readFile(join(root, name), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The first block, and all of it with that in front. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<[head: Buffer, all: AsyncIterable<Uint8Array>]> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < TAR_BLOCK) {
    const { done, value } = await iterator.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const first = head;
  async function* all(): AsyncGenerator<Uint8Array> {
    if (first.length > 0) yield first;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) return;
      yield value;
    }
  }
  return [head, all()];
}

/** gzip, bzip2, xz, zstd. */
const COMPRESSED = ["1f8b", "425a68", "fd377a585a00", "28b52ffd"].map((hex) => Buffer.from(hex, "hex"));

function isArchive(head: Buffer): boolean {
  if (COMPRESSED.some((mark) => head.subarray(0, mark.length).equals(mark))) return true;
  if (head.length < TAR_BLOCK) return false;
  // A header's bytes add up to its checksum, which counts as spaces itself; the oldest tars have no other mark.
  const told = Number.parseInt(
    head
      .toString("latin1", 148, 156)
      .replace(/[\0 ]+$/, "")
      .trim(),
    8,
  );
  const sum = head.subarray(0, TAR_BLOCK).reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  return sum === told;
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // The engine fetches a remote context itself.
}
