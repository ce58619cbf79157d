// What is measured: hoy by its own client, dockerd by docker's, podman by itself. Each with the same busybox image.

import { command } from "../test/harness/command.ts";
import { type DaemonOptions, TestDaemon } from "../test/harness/daemon.ts";
import { baseTar, importBase } from "../test/harness/images.ts";

export const IMAGE = "hoy-bench-busybox";

export interface Subject {
  readonly name: "hoy" | "dockerd" | "podman";
  /** A command line of its client, up to the verb. */
  readonly cli: readonly string[];
  /** Flags after `run` that this machine needs. */
  readonly runFlags: readonly string[];
  /** Flags after `rm -f`: podman's waits ten seconds for each container otherwise. */
  readonly removeFlags: readonly string[];
  /** Unix socket of its API; undefined: it has none. */
  readonly socket: string | undefined;
  /** Pids of its daemons: what it costs when idle. */
  readonly daemons: () => readonly number[];
  /** Ends its daemon and starts another on the same data; when that began, by `performance.now()`. undefined: not ours to do. */
  readonly restart: (() => Promise<number>) | undefined;
  readonly close: () => Promise<void>;
}

/** Every engine that is here, hoy first. */
export async function subjects(options: DaemonOptions = {}): Promise<Subject[]> {
  const all = [await hoy(options)];
  const { HOY_BENCH_DOCKERD: dockerd, HOY_BENCH_PODMAN: podman } = process.env;
  if (dockerd !== undefined) all.push(await docker(dockerd));
  if (podman !== undefined) all.push(await podmanBy(podman.split(" ")));
  return all;
}

async function hoy(options: DaemonOptions): Promise<Subject> {
  const daemon = new TestDaemon(options);
  await daemon.up();
  await importBase(daemon, IMAGE);
  return {
    name: "hoy",
    cli: ["dist/hoy", "--host", `unix://${daemon.socket}`],
    runFlags: [],
    removeFlags: [],
    socket: daemon.socket,
    daemons: () => [daemon.pid],
    restart: async () => {
      await daemon.down();
      const start = performance.now();
      await daemon.up();
      return start;
    },
    close: () => daemon.close(),
  };
}

async function docker(host: string): Promise<Subject> {
  const cli = ["docker", "--host", host];
  await importWith(cli);
  return {
    name: "dockerd",
    cli,
    runFlags: [],
    removeFlags: [],
    socket: host.replace(/^unix:\/\//, ""),
    daemons: () => daemonsOf(host),
    restart: undefined,
    close: async () => void (await command([...cli, "rmi", "--force", IMAGE])),
  };
}

async function podmanBy(cli: readonly string[]): Promise<Subject> {
  await importWith(cli);
  const runFlags = (process.env.HOY_BENCH_PODMAN_RUN ?? "").split(" ").filter((flag) => flag !== "");
  const close = async () => void (await command([...cli, "rmi", "--force", IMAGE]));
  return {
    name: "podman",
    cli,
    runFlags,
    removeFlags: ["-t", "0"],
    socket: undefined,
    daemons: () => [],
    restart: undefined,
    close,
  };
}

async function importWith(cli: readonly string[]): Promise<void> {
  const changes = ["--change", "ENV PATH=/bin:/usr/bin", "--change", 'CMD ["sh"]'];
  await must([...cli, "import", ...changes, "-", IMAGE], await baseTar());
}

/** Runs a command that has to work. */
export async function must(argv: readonly string[], input?: Uint8Array): Promise<string> {
  const { code, stdout, stderr } = await command(argv, {
    patience: 600_000,
    ...(input === undefined ? {} : { input }),
  });
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit ${code}: ${stderr}`);
  return stdout;
}

/** The dockerd that listens on this socket (as its command line says; else every one) and its containerd. */
function daemonsOf(host: string): number[] {
  const lines = Bun.spawnSync(["ps", "-eo", "pid=,ppid=,comm=,args="]).stdout.toString().trim().split("\n");
  const all = lines.map((line) => {
    const [pid = "", parent = "", name = "", ...args] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), name, args: args.join(" ") };
  });
  const engines = all.filter(({ name }) => name === "dockerd");
  const own = engines.some(({ args }) => args.includes(host))
    ? engines.filter(({ args }) => args.includes(host))
    : engines;
  const children = all.filter(({ name, parent }) => name === "containerd" && own.some(({ pid }) => pid === parent));
  return [...own, ...children].map(({ pid }) => pid);
}
