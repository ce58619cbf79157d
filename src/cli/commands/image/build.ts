// `build`: an image from a Dockerfile, by the engine's POST /build: the context goes as a tar, the steps come back.

import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type { ProgressMessage } from "../../../api/backend.ts";
import { ignoreFileNames, keepBuildFiles, parseIgnoreFile } from "../../../image/ignore/file.ts";
import { Matcher } from "../../../image/ignore/matcher.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { getCredentials } from "../../config/credentials.ts";
import { packContext } from "../../copy/pack.ts";
import { flag } from "../../flag.ts";
import { displayProgress, drainProgress } from "../../progress/display.ts";
import { checkExtraHost } from "../../run/network.ts";
import { ulimitFlag } from "../../run/ulimit-flag.ts";
import { jsonLines } from "../../stream/bytes.ts";

export const build = command({
  usage: "[OPTIONS] PATH | URL | -",
  args: args.exactly(1),
  flags: (io) => ({
    "add-host": flag.list("Add a custom host-to-IP mapping (host:ip)", { check: checkExtraHost }),
    "build-arg": flag.list("Set build-time variables"),
    "cache-from": flag.strings("Images to consider as cache sources"),
    "cgroup-parent": flag.string("Set the parent cgroup for the RUN instructions during build"),
    "cpu-period": flag.int("Limit the CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": flag.int("Limit the CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-shares": flag.int("CPU shares (relative weight)", { short: "c" }),
    "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
    file: flag.string('Name of the Dockerfile (Default is "PATH/Dockerfile")', { short: "f" }),
    "force-rm": flag.bool("Always remove intermediate containers"),
    iidfile: flag.string("Write the image ID to the file"),
    label: flag.list("Set metadata for an image"),
    memory: flag.bytes("Memory limit", { short: "m" }),
    "memory-swap": flag.bytes('Swap limit equal to memory plus swap: "-1" to enable unlimited swap'),
    network: flag.string("Set the networking mode for the RUN instructions during build", { initial: "default" }),
    "no-cache": flag.bool("Do not use cache when building the image"),
    platform: flag.string("Set platform if server is multi-platform capable", {
      initial: io.env.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
    pull: flag.bool("Always attempt to pull a newer version of the image"),
    quiet: flag.bool("Suppress the build output and print image ID on success", { short: "q" }),
    rm: flag.bool("Remove intermediate containers after a successful build", { initial: true }),
    "shm-size": flag.bytes('Size of "/dev/shm"'),
    squash: flag.bool("Squash newly built layers into a single new layer"),
    tag: flag.list('Name and optionally a tag in the "name:tag" format', { short: "t" }),
    target: flag.string("Set the target build stage to build."),
    ulimit: ulimitFlag(),
  }),
  async run(context, { flags, args: [where = ""] }) {
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
        buildargs: JSON.stringify(buildArgs(context, flags["build-arg"])),
        labels: JSON.stringify(Object.fromEntries(flags.label.map((text) => cut(text)))),
        cachefrom: JSON.stringify(flags["cache-from"]),
        target: flags.target,
        platform: flags.platform === "" ? [] : [flags.platform],
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
  },
});

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

/** "A=b", or "A" alone: as it is in the environment, and absent when it is not there. The proxies come along. */
function buildArgs({ io, config, engine }: Context, given: readonly string[]): Record<string, string | null> {
  const values = given.map((text): [string, string | null] => {
    const [name, value] = cut(text);
    return text.includes("=") ? [name, value] : [name, io.env[name] ?? null];
  });
  const proxies = config.proxies(engine.endpoint.text, new Set(values.map(([name]) => name)));
  return Object.fromEntries([...proxies, ...values]);
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
