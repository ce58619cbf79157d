// The classic build, by the engine's POST /build: the context goes as a tar, the steps come back, one after the other.

import { rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { ProgressMessage } from "../../api/backend.ts";
import { parseReference } from "../../image/reference.ts";
import { ExitError, messageOf } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { getCredentials } from "../config/credentials.ts";
import { displayProgress, drainProgress } from "../progress/display.ts";
import { jsonLines } from "../stream/bytes.ts";
import { classicContext } from "./classic-context.ts";
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
  for (const tag of flags.tag) checkTag(io.program, tag);
  const source = await classicContext(io, where, flags.file);
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

/** As a flag that can't be read, before anything is sent. */
function checkTag(program: string, tag: string): void {
  try {
    parseReference(tag);
  } catch (thrown) {
    const why = `invalid argument ${JSON.stringify(tag)} for "-t, --tag" flag: ${messageOf(thrown)}`;
    const usage = `Usage:  ${program} build [OPTIONS] PATH | URL | -`;
    throw new ExitError(125, `${why}\n\n${usage}\n\nRun '${program} build --help' for more information`, thrown);
  }
}

/** A command of the Dockerfile that failed: its exit code is ours, as docker's. */
async function* failing(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  for await (const message of messages) {
    const { code = 0, message: words } = message.errorDetail ?? { message: "" };
    if (code > 0 && code < 256) throw new ExitError(code, words);
    yield message;
  }
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
