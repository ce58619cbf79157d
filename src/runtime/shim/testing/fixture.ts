// For tests: a busybox root file system, a spec that runs a command in it, and a place of its own for each container.
// Everything lies below one directory in /tmp that `dispose` removes. HOY_SHIM names another shim, as one with sanitizers.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { newId } from "../../../base/id.ts";
import type {
  ContainerRuntime,
  ExitStatus,
  IdMap,
  LogSettings,
  OciRuntime,
  Shim,
  StartRequest,
} from "../../contract.ts";
import type { OciSpec } from "../../oci.ts";
import { createRuntime } from "../runtime.ts";
import { CGROUP_PARENT, ID_MAP, makeSpec } from "./spec.ts";

const project = resolve(import.meta.dir, "../../../..");

export const CRUN: OciRuntime = { name: "crun", path: "/usr/bin/crun", args: [] };
export const RUNC: OciRuntime = { name: "runc", path: "/usr/sbin/runc", args: [] };

/** Builds the shim (`variant`: the make target's suffix); gives the executable's path. */
export function buildShim(variant: "" | "-asan" = ""): string {
  const target = variant === "" ? "all" : "asan";
  execFileSync("make", ["-s", "-C", join(project, "shim"), target], { stdio: ["ignore", "ignore", "inherit"] });
  return join(project, "dist", `hoy-shim${variant}`);
}

export interface Started {
  readonly id: string;
  readonly bundle: string;
  readonly state: string;
  readonly upper: string;
  readonly shim: Shim;
  readonly request: StartRequest;
}

export interface Options {
  readonly runtime?: OciRuntime;
  readonly idMap?: IdMap | undefined;
  readonly terminal?: boolean;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly hold?: boolean;
  readonly log?: Partial<LogSettings>;
  readonly lowers?: readonly string[];
  readonly binds?: StartRequest["binds"];
  readonly edit?: (spec: OciSpec, bundle: string) => void;
  readonly onNetworkNamespace?: (pid: number) => Promise<void>;
  readonly beforeRun?: (shim: Shim) => Promise<void>;
}

export class Fixture {
  readonly directory = mkdtempSync("/tmp/hoy-shim-test-");
  readonly lower: string;
  readonly runtime: ContainerRuntime;
  readonly shimPath: string;
  readonly #started: { id: string; bundle: string; runtime: OciRuntime }[] = [];

  constructor(shimPath = process.env.HOY_SHIM ?? buildShim()) {
    execFileSync("chmod", ["0711", this.directory]);
    this.shimPath = shimPath;
    this.lower = join(this.directory, "lower");
    for (const path of ["bin", "proc", "sys", "dev", "tmp", "etc"])
      mkdirSync(join(this.lower, path), { recursive: true });
    copyFileSync("/bin/busybox", join(this.lower, "bin/busybox"));
    for (const name of [
      "sh",
      "true",
      "false",
      "echo",
      "cat",
      "id",
      "sleep",
      "ls",
      "stty",
      "dd",
      "yes",
      "head",
      "stat",
      "md5sum",
      "wc",
      "tr",
      "tty",
      "grep",
    ])
      symlinkSync("busybox", join(this.lower, "bin", name));
    writeFileSync(join(this.lower, "etc/motd"), "from the lower\n", { mode: 0o644 });
    writeFileSync(join(this.lower, "etc/not-executable"), "#!/bin/sh\n", { mode: 0o644 });
    this.runtime = this.newRuntime();
  }

  /** Another engine's view of the same containers. */
  newRuntime(): ContainerRuntime {
    return createRuntime({ shim: this.shimPath, root: join(this.directory, "runtime") });
  }

  request(args: readonly string[], options: Options = {}): StartRequest & { id: string } {
    const id = newId();
    const bundle = join(this.directory, "run", id);
    const state = join(this.directory, "data", id);
    for (const path of [bundle, join(state, "upper"), join(state, "work")])
      mkdirSync(path, { recursive: true, mode: 0o711 });
    const idMap = "idMap" in options ? options.idMap : ID_MAP;
    const spec = makeSpec(id, join(bundle, "rootfs"), args, idMap, options.terminal === true);
    options.edit?.(spec, bundle);
    return {
      id,
      bundle,
      state,
      spec,
      rootfs: { lowers: options.lowers ?? [this.lower], upper: join(state, "upper"), work: join(state, "work") },
      idMap,
      binds: options.binds ?? [],
      terminal: options.terminal ?? false,
      consoleSize: options.terminal === true ? { height: 24, width: 80 } : undefined,
      openStdin: options.stdin ?? false,
      stdinOnce: options.stdinOnce ?? false,
      log: {
        driver: "json-file",
        path: join(state, "json.log"),
        maxSize: 0,
        maxFile: 1,
        compress: false,
        attrs: "",
        mode: "blocking",
        maxBuffer: 0,
        ...options.log,
      },
      runtime: options.runtime ?? CRUN,
      hold: options.hold ?? false,
      onNetworkNamespace: options.onNetworkNamespace,
    };
  }

  async start(args: readonly string[], options: Options = {}): Promise<Started> {
    const request = this.request(args, options);
    const { id, bundle, state } = request;
    this.remember(request);
    const shim = await this.runtime.start(request, options.beforeRun);
    return { id, bundle, state, upper: request.rootfs.upper, shim, request };
  }

  /** Has `dispose` look after a container that something else starts. */
  remember(request: StartRequest): void {
    this.#started.push({ id: request.id, bundle: request.bundle, runtime: request.runtime });
  }

  /** Starts with the output held, reads all of it, waits, cleans up. */
  async run(args: readonly string[], options: Options = {}): Promise<Result> {
    let reading: Promise<Output> | undefined;
    const started = await this.start(args, {
      ...options,
      hold: true,
      beforeRun: async (shim) => {
        const stream = await shim.attach({ stdin: false, stdout: true, stderr: true });
        reading = readAll(stream.output);
      },
    });
    const status = await started.shim.exited;
    const output = (await reading) ?? { stdout: "", stderr: "" };
    await this.runtime.cleanup(started.id, started.bundle, started.request.runtime);
    return { ...output, status, started };
  }

  /** Runs a further process in the container to its end. */
  async exec(shim: Shim, args: readonly string[], input?: string): Promise<Output & { status: ExitStatus }> {
    const exec = await shim.exec({
      id: newId(),
      process: { user: { uid: 0, gid: 0 }, args: [...args], env: ["PATH=/bin"], cwd: "/" },
      stdin: input !== undefined,
      stdout: true,
      stderr: true,
      consoleSize: undefined,
    });
    if (input !== undefined) await exec.stream?.write(Buffer.from(input));
    if (input !== undefined) exec.stream?.endInput();
    const output = exec.stream === undefined ? { stdout: "", stderr: "" } : await readAll(exec.stream.output);
    return { ...output, status: await exec.exited };
  }

  async dispose(): Promise<void> {
    for (const { id, bundle, runtime } of this.#started)
      if (existsSync(bundle)) {
        const adopted = await this.newRuntime().adopt(id, bundle, join(this.directory, "data", id));
        if (adopted !== undefined && "signal" in adopted) await adopted.signal(9).catch(() => undefined);
        if (adopted !== undefined && "exited" in adopted) await adopted.exited;
        await this.newRuntime().cleanup(id, bundle, runtime);
      }
    // The runtime removes bundles behind everybody's back: two at once would get in each other's way.
    const removed = join(this.directory, "runtime/removed");
    for (let rounds = 0; rounds < 1000 && readdirSync(removed).length > 0; rounds++) await Bun.sleep(5);
    rmSync(this.directory, { recursive: true, force: true });
    for (const root of cgroupRoots()) rmEmpty(join(root, CGROUP_PARENT));
  }
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Result extends Output {
  readonly status: ExitStatus;
  readonly started: Started;
}

export async function readAll(output: AsyncIterable<{ stream: string; data: Uint8Array }>): Promise<Output> {
  const parts: Record<string, Buffer[]> = { stdout: [], stderr: [] };
  for await (const part of output) parts[part.stream]?.push(Buffer.from(part.data));
  return {
    stdout: Buffer.concat(parts.stdout ?? []).toString("utf8"),
    stderr: Buffer.concat(parts.stderr ?? []).toString("utf8"),
  };
}

function cgroupRoots(): string[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return lines.flatMap((line) => (/^\S+ \S+ cgroup2? /.test(line) ? [line.split(" ")[1] ?? "/"] : []));
}

/** Another test file may still use it. */
function rmEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (existsSync(path) && !String(error).includes("EBUSY")) throw error;
  }
}
