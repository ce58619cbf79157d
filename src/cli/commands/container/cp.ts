// `cp`: files into and out of a container, running or not; "-" is a tar stream.

import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { posix, resolve } from "node:path";
import type { PathStat } from "../../../api/backend.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, type Call, type Context, command } from "../../command.ts";
import { packTree } from "../../copy/pack.ts";
import {
  assertsDirectory,
  type CopyEnd,
  type CopySource,
  followed,
  keepEnd,
  planCopy,
  renamer,
  splitCopyArgument,
  splitEntry,
} from "../../copy/paths.ts";
import { unpackTree } from "../../copy/unpack.ts";
import { flag } from "../../flag.ts";
import { humanSizeWithPrecision } from "../../format/units.ts";
import { copyTo } from "../../stream/files.ts";

const flags = {
  archive: flag.bool("Archive mode (copy all uid/gid information)", { short: "a" }),
  "follow-link": flag.bool("Always follow symbol link in SRC_PATH", { short: "L" }),
  quiet: flag.bool(
    "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    { short: "q" },
  ),
};

type CopyCall = Call<typeof flags>;

/** The other end of a copy: what `NAME:PATH` names. */
interface Place {
  readonly name: string;
  /** Of its archive in the API. */
  readonly archive: string;
}

/** What has files that can be copied, and where its archive is. */
export interface CopyKind {
  readonly noun: "container" | "volume";
  readonly archive: (name: string) => string;
}

export const cp = copyCommand({
  noun: "container",
  archive: (name) => `/containers/${encodeURIComponent(name)}/archive`,
});

export function copyCommand({ noun, archive }: CopyKind) {
  const place = (name: string): Place => ({ name, archive: archive(name) });
  const word = noun.toUpperCase();
  return command({
    usage: [`[OPTIONS] ${word}:SRC_PATH DEST_PATH|-`, `[OPTIONS] SRC_PATH|- ${word}:DEST_PATH`],
    details: `Use '-' as the source to read a tar archive from stdin and extract it to a directory destination in a ${noun}.\nUse '-' as the destination to stream a tar archive of a ${noun} source to stdout.`,
    args: args.exactly(2),
    flags,
    async run(context, call) {
      const [from = "", to = ""] = call.args;
      if (from === "") throw new ExitError(1, "source can not be empty");
      if (to === "") throw new ExitError(1, "destination can not be empty");
      const source = splitCopyArgument(from);
      const destination = splitCopyArgument(to);
      if (source.container !== undefined && destination.container !== undefined)
        throw new ExitError(1, `copying between ${noun}s is not supported`);
      if (source.container === "" || destination.container === "")
        throw new ExitError(1, `must specify at least one ${noun} source`);
      if (source.container !== undefined)
        return copyOut(context, call, place(source.container), source.path, destination.path);
      if (destination.container !== undefined)
        return copyIn(context, call, place(destination.container), source.path, destination.path);
      throw new ExitError(1, `must specify at least one ${noun} source`);
    },
  });
}

// ── out of a container ────────────────────────────────────────────────────────────────────────────────────────

async function copyOut(context: Context, call: CopyCall, container: Place, from: string, to: string): Promise<void> {
  const { engine, io } = context;
  const asked = call.flags["follow-link"]
    ? await followInContainer(context, container, from)
    : { path: from, renamed: undefined };
  const end = to === "-" ? undefined : await localDestination(io.cwd, to);
  const { headers, body } = await engine.send("GET", container.archive, { query: { path: asked.path } });
  if (end === undefined) return copyTo(io.stdout, body);
  const info = decodeStat(headers);
  const source: CopySource = { path: asked.path, exists: true, directory: isDirectory(info), renamed: asked.renamed };
  const { size, counted } = counter(body);
  const [, base] = splitEntry(source.path);
  const first = source.renamed === undefined ? (name: string) => name : renamer(base, source.renamed);
  const plan = planCopy(source, end);
  await unpackTree(counted, plan.directory, (name) => plan.rename(first(name)));
  report(context, call, size(), end.path);
}

/** Where the container's path leads, if it is a link. */
async function followInContainer(context: Context, container: Place, path: string) {
  const info = await statInContainer(context, container, path);
  if (info === undefined || !isSymlink(info)) return { path, renamed: undefined };
  return followed(path, joinTarget(path, info.linkTarget));
}

/** The local destination, links followed: what they point to is meant. It need not be there, its directory must. */
async function localDestination(cwd: string, written: string): Promise<CopyEnd> {
  let path = keepEnd(resolve(cwd, written), written);
  for (let links = 0; links < 10; links++) {
    const info = await lstat(path).catch(() => undefined);
    if (info === undefined) break;
    if (!info.isSymbolicLink()) {
      if (info.isCharacterDevice() || info.isBlockDevice())
        throw new ExitError(
          1,
          `invalid output path: ${JSON.stringify(written)} must be a directory or a regular file: got a device`,
        );
      return { path, exists: true, directory: info.isDirectory() };
    }
    path = joinTarget(path, await readlink(path));
  }
  const [parent] = splitEntry(path);
  const above = await stat(parent).catch(() => undefined);
  if (above === undefined)
    throw new ExitError(1, `invalid output path: directory ${JSON.stringify(parent)} does not exist`);
  if (!above.isDirectory()) throw new ExitError(1, "not a directory");
  return { path, exists: false, directory: false };
}

// ── into a container ──────────────────────────────────────────────────────────────────────────────────────────

async function copyIn(context: Context, call: CopyCall, container: Place, from: string, to: string): Promise<void> {
  const { io } = context;
  const end = await containerDestination(context, container, to);
  if (from === "-") {
    if (!end.directory) throw new ExitError(1, `destination "${container.name}:${to}" must be a directory`);
    return upload(context, call, container, end.path, io.stdin.read());
  }
  const source = await localSource(io.cwd, from, call.flags["follow-link"]);
  const plan = planCopy(source, end);
  const [, base] = splitEntry(source.path);
  const first = source.renamed === undefined ? (name: string) => name : renamer(base, source.renamed);
  const tree = packTree(source.path, base, (name) => plan.rename(first(name)));
  const { size, counted } = counter(tree);
  await upload(context, call, container, plan.directory, counted);
  report(context, call, size(), `${container.name}:${end.path}`);
}

async function upload(
  { engine }: Context,
  call: CopyCall,
  container: Place,
  path: string,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  await engine.done("PUT", container.archive, {
    query: { path, noOverwriteDirNonDir: "true", copyUIDGID: call.flags.archive ? "true" : undefined },
    upload: { type: "application/x-tar", body },
  });
}

/** The path in the container; one link is followed. What can't be found out, unpacking will tell. */
async function containerDestination(context: Context, container: Place, path: string): Promise<CopyEnd> {
  let info = await statInContainer(context, container, path);
  let place = path;
  if (info !== undefined && isSymlink(info)) {
    place = joinTarget(path, info.linkTarget);
    info = await statInContainer(context, container, place);
  }
  if (info !== undefined && info.mode >= 0 && (info.mode & MODE_DEVICE) !== 0)
    throw new ExitError(
      1,
      `destination "${container.name}:${path}" must be a directory or a regular file: got a device`,
    );
  return { path: place, exists: info !== undefined, directory: info !== undefined && isDirectory(info) };
}

/** The local source. Links on the way are followed; one at the end only with -L. */
async function localSource(cwd: string, written: string, follow: boolean): Promise<CopySource> {
  const asked = keepEnd(resolve(cwd, written), written);
  try {
    if (follow) {
      const { path, renamed } = followed(asked, await realpath(asked));
      return { path, renamed, exists: true, directory: (await stat(path)).isDirectory() };
    }
    const [parent, base] = splitEntry(asked);
    const path = keepEnd(posix.join(await realpath(parent), base), asked);
    const info = assertsDirectory(path) ? await stat(path) : await lstat(path);
    return { path, renamed: undefined, exists: true, directory: info.isDirectory() };
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")
      throw new ExitError(1, `lstat ${asked}: no such file or directory`, thrown);
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOTDIR")
      throw new ExitError(1, `lstat ${asked}: not a directory`, thrown);
    throw new ExitError(1, messageOf(thrown), thrown);
  }
}

// ── both ways ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Bits of Go's os.FileMode. */
const MODE_SYMLINK = 1 << 27;
const MODE_DEVICE = 1 << 26;

const isSymlink = ({ mode }: PathStat) => (mode & MODE_SYMLINK) !== 0;
/** The directory's bit is the 32nd, which JavaScript's operators take for the sign. */
const isDirectory = ({ mode }: PathStat) => (mode & (1 << 31)) !== 0;

async function statInContainer({ engine }: Context, container: Place, path: string): Promise<PathStat | undefined> {
  try {
    const { headers } = await engine.done("HEAD", container.archive, { query: { path } });
    return decodeStat(headers);
  } catch {
    // Not there, or no such container: the request that follows says it with the engine's words.
    return undefined;
  }
}

function decodeStat(headers: ReadonlyMap<string, string>): PathStat {
  const text = headers.get("x-docker-container-path-stat") ?? "";
  try {
    return JSON.parse(Buffer.from(text, "base64").toString()) as PathStat;
  } catch (thrown) {
    throw new ExitError(1, `unable to decode container path stat header: ${messageOf(thrown)}`, thrown);
  }
}

function joinTarget(path: string, target: string): string {
  return target.startsWith("/") ? target : posix.join(splitEntry(path)[0], target);
}

function counter(source: AsyncIterable<Uint8Array>) {
  let total = 0;
  async function* counted() {
    for await (const piece of source) {
      total += piece.length;
      yield piece;
    }
  }
  return { counted: counted(), size: () => total };
}

function report({ io }: Context, { flags: given, changed }: CopyCall, size: number, place: string): void {
  const quiet = changed.has("quiet") ? given.quiet : !io.stdout.isTTY;
  if (!quiet) io.stderr.line(`Successfully copied ${humanSizeWithPrecision(size, 3)} to ${place}`);
}
