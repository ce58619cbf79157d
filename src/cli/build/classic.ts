// The classic build, by the engine's POST /build: the context goes as a tar, the steps come back, one after the other.

import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type { ProgressMessage } from "../../api/backend.ts";
import { ignoreFileNames, keepBuildFiles, parseIgnoreFile } from "../../image/ignore/file.ts";
import { Matcher } from "../../image/ignore/matcher.ts";
import { ExitError } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { getCredentials } from "../config/credentials.ts";
import { packContext } from "../copy/pack.ts";
import { displayProgress, drainProgress } from "../progress/display.ts";
import { jsonLines } from "../stream/bytes.ts";
import type { BuildFlags } from "./flags.ts";
import { buildArguments } from "./request.ts";

/** Flags that only BuildKit's protocol can serve. */
const NEWER = [
  "allow",
  "annotation",
  "attest",
  "build-context",
  "cache-to",
  "check",
  "debug",
  "explain",
  "load",
  "metadata-file",
  "no-cache-filter",
  "output",
  "provenance",
  "push",
  "sbom",
  "secret",
  "ssh",
  "unset",
] as const;

/** @throws ExitError, HoyError */
export async function buildClassic(
  context: Context,
  flags: BuildFlags,
  where: string,
  changed: ReadonlySet<string>,
): Promise<number> {
  const newer = NEWER.find((name) => changed.has(name));
  if (newer !== undefined) throw new ExitError(1, `--${newer} needs BuildKit, and the classic builder was asked for`);
  const { engine, io } = context;
  const source = await openContext(context, where, flags.file);
  let id = "";
  const { body } = await engine.send("POST", "/build", {
    query: {
      t: [...flags.tag],
      dockerfile: source.dockerfile,
      remote: source.remote,
      q: flags.quiet ? "1" : "0",
      nocache: flags["no-cache"] ? "1" : "0",
      rm: flags.rm ? "1" : "0",
      forcerm: flags["force-rm"] ? "1" : "0",
      pull: flags.pull ? "1" : "0",
      squash: flags.squash ? "1" : "0",
      buildargs: JSON.stringify(buildArguments(context, flags["build-arg"])),
      labels: JSON.stringify(Object.fromEntries(flags.label.map((text) => cut(text)))),
      cachefrom: JSON.stringify(flags["cache-from"]),
      target: flags.target,
      platform: [...flags.platform],
      networkmode: flags.network,
      extrahosts: [...flags["add-host"]],
      cgroupparent: flags["cgroup-parent"],
      memory: String(flags.memory),
      memswap: String(flags["memory-swap"]),
      cpushares: String(flags["cpu-shares"]),
      cpuperiod: String(flags["cpu-period"]),
      cpuquota: String(flags["cpu-quota"]),
      cpusetcpus: flags["cpuset-cpus"],
      cpusetmems: flags["cpuset-mems"],
      shmsize: String(flags["shm-size"]),
      ulimits: JSON.stringify([...flags.ulimit.values()]),
      version: "1",
    },
    headers: { "X-Registry-Config": await credentials(context) },
    upload: { type: "application/x-tar", body: source.tar },
  });
  const onAux = (aux: unknown) => {
    if (typeof aux === "object" && aux !== null && "ID" in aux && typeof aux.ID === "string") id = aux.ID;
  };
  const messages = failing(jsonLines<ProgressMessage>(body));
  if (flags.quiet) {
    const last = await lastLine(messages);
    id = last === "" ? id : last;
    io.stdout.line(id);
  } else await displayProgress(io.stdout, messages, { onAux });
  if (flags.iidfile !== "") await writeIdFile(resolve(io.cwd, flags.iidfile), id);
  return 0;
}

/** A command of the Dockerfile that failed: its exit code is ours, as docker's. */
async function* failing(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  for await (const message of messages) {
    const { code = 0, message: words } = message.errorDetail ?? { message: "" };
    if (code > 0 && code < 256) throw new ExitError(code, words);
    yield message;
  }
}

interface BuildContext {
  /** Its name inside the context. */
  readonly dockerfile: string;
  readonly remote: string;
  readonly tar: AsyncIterable<Uint8Array>;
}

const REMOTE = /^(?:https?:\/\/|git:\/\/|git@|github\.com\/|ssh:\/\/)/;

async function openContext({ io }: Context, where: string, file: string): Promise<BuildContext> {
  if (where === "-") {
    if (file === "-") throw new ExitError(1, "invalid argument: can't use stdin for both build context and dockerfile");
    return { dockerfile: file === "" ? "Dockerfile" : file, remote: "", tar: io.stdin.read() };
  }
  if (REMOTE.test(where)) return { dockerfile: file === "" ? "Dockerfile" : file, remote: where, tar: nothing() };
  const root = resolve(io.cwd, where);
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) throw new ExitError(1, `unable to prepare context: path ${JSON.stringify(where)} not found`);
  if (!found.isDirectory()) throw new ExitError(1, `unable to prepare context: context must be a directory: ${root}`);
  const path = file === "" ? join(root, "Dockerfile") : resolve(io.cwd, file);
  const dockerfile = relative(root, path);
  if (dockerfile.startsWith("..")) {
    throw new ExitError(
      1,
      `unable to prepare context: the Dockerfile (${path}) must be within the build context (${root})`,
    );
  }
  if ((await stat(path).catch(() => undefined)) === undefined) {
    throw new ExitError(
      1,
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
    );
  }
  return { dockerfile, remote: "", tar: packContext(root, new Matcher(await ignorePatterns(root, dockerfile))) };
}

/** Of `<Dockerfile>.dockerignore`, else `.dockerignore`; what the engine itself reads is always sent. */
async function ignorePatterns(root: string, dockerfile: string): Promise<string[]> {
  for (const name of ignoreFileNames(dockerfile)) {
    const text = await readFile(join(root, name), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== undefined) return keepBuildFiles(parseIgnoreFile(text), dockerfile);
  }
  return [];
}

/** Everything that is stored: the engine may need any of it for the images that the Dockerfile names. */
async function credentials({ config }: Context): Promise<string> {
  const keys = [...new Set([...Object.keys(config.data.auths ?? {}), ...Object.keys(config.data.credHelpers ?? {})])];
  const known = await Promise.all(keys.map(async (key) => [key, await getCredentials(config, key)] as const));
  const all = Object.fromEntries(known.filter(([, value]) => value !== undefined));
  return Buffer.from(JSON.stringify(all)).toString("base64url");
}

async function lastLine(messages: AsyncIterable<ProgressMessage>): Promise<string> {
  let last = "";
  await drainProgress(
    (async function* () {
      for await (const message of messages) {
        if (message.stream?.startsWith("sha256:")) last = message.stream.trim();
        yield message;
      }
    })(),
  );
  return last;
}

/** Beside and renamed: a script that waits for the file reads all of it. */
async function writeIdFile(path: string, id: string): Promise<void> {
  const beside = join(path, "..", `.${basename(path)}.${process.pid}`);
  try {
    await writeFile(beside, id, { mode: 0o644, flag: "wx" });
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}

function cut(text: string): [string, string] {
  const sign = text.indexOf("=");
  return sign < 0 ? [text, ""] : [text.slice(0, sign), text.slice(sign + 1)];
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // The engine fetches a remote context itself.
}
