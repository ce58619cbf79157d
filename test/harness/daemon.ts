// A real daemon for a test file: the built dist/hoy with data, sockets and cgroups of its own in a temporary directory,
// and the two clients that talk to it. When the file's tests are done it is taken down, and nothing may be left of it.

import { afterAll, expect } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { NetworkNamespace } from "../../src/linux/namespace.ts";
import { Netlink } from "../../src/linux/netlink.ts";
import { listLinks, setUp } from "../../src/network/link.ts";
import { setBridgeFilter } from "./bridge-filter.ts";
import { eventually } from "./clients.ts";
import { type CommandOptions, command, type Result, type Running, SLOWER, start } from "./command.ts";
import { importBase } from "./images.ts";
import { interfaces, removeEmptyCgroups, traces } from "./machine.ts";
import { have } from "./needs.ts";
import { difference, type NetworkState, networkState } from "./network-state.ts";

const DIST = resolve(import.meta.dir, "../../dist");

export interface DaemonOptions {
  readonly flags?: readonly string[];
  /** daemon.json. */
  readonly config?: object;
  /**
   * "own" (the default): a network namespace for this daemon, in which it may make bridges and rules as it likes; it ends
   * with the test. "host": the machine's, for tests that reach the daemon by TCP; give it `--bridge=none`.
   */
  readonly network?: "own" | "host";
  /** Images to import under these names; all are the same busybox. */
  readonly images?: readonly string[];
}

/** Starts a daemon now and registers its end with the file's tests. */
export async function testDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const daemon = new TestDaemon(options);
  afterAll(() => daemon.close(), 60_000 * SLOWER);
  await daemon.up();
  for (const name of options.images ?? ["busybox"]) await importBase(daemon, name);
  return daemon;
}

/** One of the two clients: the real docker, and hoy. */
export interface Client {
  readonly program: "docker" | "hoy";
  (...args: string[]): Promise<Result>;
  with(options: CommandOptions, ...args: string[]): Promise<Result>;
  /** Runs on while the test does other things. */
  start(...args: string[]): Running;
  /** The same on a terminal of 80 × 24. */
  terminal(...args: string[]): Running;
}

/**
 * The same tests on another storage driver and another OCI runtime: HOY_TEST_STORAGE (erofs, overlay) and
 * HOY_TEST_RUNTIME (crun, runc) in the environment. A test that names one itself, by flag or in its daemon.json, keeps it.
 */
function matrix({ flags = [], config = {} }: DaemonOptions): string[] {
  return [
    ["storage-driver", process.env.HOY_TEST_STORAGE] as const,
    ["default-runtime", process.env.HOY_TEST_RUNTIME] as const,
  ].flatMap(([key, value]) => {
    const own = key in config || flags.some((flag) => flag.startsWith(`--${key}`));
    return value === undefined || value === "" || own ? [] : [`--${key}=${value}`];
  });
}

/** HOY_TEST_BRIDGE_FILTER (on, off): whether br_netfilter is in effect in it; else as the kernel has it. */
function ownNetwork(): NetworkNamespace {
  const namespace = NetworkNamespace.create();
  using socket = namespace.run(() => new Netlink());
  setUp(socket, 1);
  const filter = process.env.HOY_TEST_BRIDGE_FILTER;
  if (filter === "on" || filter === "off") setBridgeFilter(namespace, filter === "on");
  return namespace;
}

export class TestDaemon {
  readonly root = mkdtempSync("/tmp/hoy-t-");
  /** In the name of everything that belongs to this daemon. */
  readonly mark = this.root.slice("/tmp/".length);
  readonly data = join(this.root, "data");
  readonly run = join(this.root, "run");
  readonly socket = join(this.root, "hoy.sock");
  readonly log = join(this.root, "daemon.log");
  readonly hoy: Client = this.#client("hoy", join(DIST, "hoy"));
  readonly docker: Client = this.#client("docker", "docker");
  /** Ended before the daemon is: what a test started in its network or below its directory. */
  readonly beforeClose: (() => Promise<void>)[] = [];
  readonly #options: DaemonOptions;
  /** What the daemon takes for the host's network; held by the test, so that the next daemon finds it again. */
  readonly namespace: NetworkNamespace | undefined;
  readonly #interfaces = interfaces();
  #process: Bun.Subprocess | undefined;
  /** Of its own namespace, before its first daemon. */
  #pristine: NetworkState | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.namespace = options.network === "host" ? undefined : ownNetwork();
    chmodSync(this.root, 0o711); // users of containers pass through
    writeFileSync(join(this.root, "daemon.json"), JSON.stringify(options.config ?? {}));
    mkdirSync(join(this.root, "home"));
  }

  /** The clients that are here: tests that must hold for both run over these. */
  get clients(): readonly Client[] {
    return have.docker ? [this.docker, this.hoy] : [this.hoy];
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error("the daemon does not run");
    return this.#process.pid;
  }

  /**
   * Starts the daemon and waits until it answers. @throws with its log when it ends instead.
   * @param program what to start in place of the built one, up to its flags
   */
  async up(program: readonly string[] = [join(DIST, "hoy"), "daemon"]): Promise<void> {
    if (this.namespace !== undefined) this.#pristine ??= await networkState(this.inside);
    const log = Bun.file(this.log).writer();
    const child = Bun.spawn([...this.inside, ...program, ...this.flags], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { ...process.env, HOME: join(this.root, "home") },
    });
    this.#process = child;
    let ready = false;
    const waiting = Promise.withResolvers<void>();
    const pump = async () => {
      let text = "";
      for await (const chunk of child.stderr) {
        log.write(chunk);
        await log.flush();
        if (ready) continue;
        text += new TextDecoder().decode(chunk);
        ready = text.includes("completed initialization");
        if (ready) waiting.resolve();
      }
      await log.end();
      waiting.reject(new Error(`the daemon ended:\n${text}`));
    };
    void pump();
    await waiting.promise;
  }

  /** What to put before a command line to run it where the daemon runs. */
  get inside(): readonly string[] {
    return this.namespace === undefined ? [] : ["nsenter", `--net=/proc/${process.pid}/fd/${this.namespace.fd}`, "--"];
  }

  get flags(): readonly string[] {
    return [
      `--data-root=${this.data}`,
      `--exec-root=${this.run}`,
      `--host=unix://${this.socket}`,
      `--config-file=${join(this.root, "daemon.json")}`,
      `--cgroup-parent=/${this.mark}`,
      "--group=",
      ...matrix(this.#options),
      ...(this.#options.flags ?? []),
    ];
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Ends the daemon and waits for it; containers live on. */
  async down(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const child = this.#process;
    if (child === undefined) return 0;
    child.kill(signal);
    const code = await child.exited;
    this.#process = undefined;
    return code;
  }

  /** How the daemon ended by itself: a signal's name or an exit code; undefined when it did not within the time. */
  async ended(patience: number): Promise<string | undefined> {
    const child = this.#process;
    if (child === undefined) return undefined;
    const over = await Promise.race([child.exited, Bun.sleep(patience).then(() => undefined)]);
    if (over === undefined) return undefined;
    this.#process = undefined;
    return String(child.signalCode ?? over);
  }

  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.down(signal);
    await this.up();
  }

  /** A request to the API, as a program would make it. The path is without a version. */
  async api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: unknown; headers: Headers }> {
    const response = await fetch(`http://hoy${path}`, {
      method,
      unix: this.socket,
      ...(body === undefined
        ? {}
        : {
            body: typeof body === "string" ? body : JSON.stringify(body),
            headers: { "Content-Type": "application/json" },
          }),
    } as RequestInit);
    const text = await response.text();
    let json: unknown = text;
    if (text !== "" && response.headers.get("Content-Type")?.startsWith("application/json")) {
      const lines = text.trim().split("\n");
      json = lines.length === 1 ? JSON.parse(text) : lines.map((line) => JSON.parse(line));
    }
    return { status: response.status, json, headers: response.headers };
  }

  /** A build that was cut lets go of what it uses a moment after its client has gone; a prune passes over that. */
  async #emptyBuildCache(): Promise<void> {
    const pruned = async () => {
      await this.api("POST", "/build/prune?all=1");
      const { BuildCache } = (await this.api("GET", "/system/df?type=build-cache")).json as { BuildCache?: unknown[] };
      return (BuildCache ?? []).length === 0;
    };
    await eventually(pruned, "the build cache is empty");
  }

  daemonLog(): string {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }

  /** Removes every container and image, ends the daemon, and checks that nothing is left of any of them. */
  async close(): Promise<void> {
    for (const end of this.beforeClose.splice(0)) await end();
    if (this.#process === undefined) await this.up();
    const listed = async (path: string) => (await this.api("GET", path)).json as { Id: string }[];
    for (const { Id } of await listed("/containers/json?all=1"))
      await this.api("DELETE", `/containers/${Id}?force=1&v=1`);
    await this.#emptyBuildCache();
    for (const { Id } of await listed("/images/json")) await this.api("DELETE", `/images/${Id}?force=1`);
    const bridge = await this.#removeNetworks();
    const code = await this.down();
    expect({ code, log: code === 0 ? "" : this.daemonLog() }).toEqual({ code: 0, log: "" });
    const left = await this.#left();
    const newInterfaces = interfaces().filter((name) => !this.#interfaces.includes(name));
    for (const mount of left.mounts.toReversed()) await command(["umount", "-l", mount]);
    if (!process.env.HOY_TEST_KEEP) rmSync(this.root, { recursive: true, force: true });
    const network = await this.#networkLeft(bridge);
    const nothing = { mounts: [], processes: [], cgroups: [], endpoints: [], interfaces: [], network: [] };
    expect({ ...left, interfaces: newInterfaces, network }).toEqual(nothing);
  }

  /** Those that users made; returns the bridge of the one that stays. */
  async #removeNetworks(): Promise<string> {
    const listed = (await this.api("GET", "/networks")).json as { Id: string; Name: string; Options: object | null }[];
    for (const { Id, Name } of listed) {
      if (!["bridge", "host", "none"].includes(Name)) await this.api("DELETE", `/networks/${Id}`);
    }
    const options = listed.find(({ Name }) => Name === "bridge")?.Options ?? {};
    return new Map(Object.entries(options)).get("com.docker.network.bridge.name") ?? "";
  }

  /** A daemon that ends keeps the default bridge and its table, for containers that run on. Without them all is as before. */
  async #networkLeft(bridge: string): Promise<string[]> {
    const { stdout: tables } = await command([...this.inside, "nft", "list", "tables"]);
    const own = `table inet hoy-${createHash("sha256").update(this.data).digest("hex").slice(0, 8)}`;
    const there = tables.split("\n").includes(own);
    if (there) await command([...this.inside, "nft", `delete ${own}`]);
    // It has no bridge there, and so no reason for rules.
    if (this.namespace === undefined) return there ? [own] : [];
    if (this.#pristine === undefined) return [];
    const had = (this.#pristine.links ?? []).some((line) => line.split(" ")[0] === bridge);
    if (bridge !== "" && !had) await command([...this.inside, "ip", "link", "delete", bridge]);
    return difference(this.#pristine, await networkState(this.inside));
  }

  /** What is still there once the last shims, which end a moment after their containers, have had time to. */
  async #left() {
    const end = Date.now() + 30_000;
    for (;;) {
      removeEmptyCgroups(`/${this.mark}`);
      const left = { ...traces(this.mark), endpoints: this.#endpoints() };
      if (Date.now() > end || Object.values(left).every((each) => each.length === 0)) return left;
      await Bun.sleep(20);
    }
  }

  /** Containers' ends of interfaces, and devices of their rates, in what the daemon takes for the host's network. */
  #endpoints(): readonly string[] {
    if (this.namespace === undefined) return [];
    using socket = this.namespace.run(() => new Netlink());
    return listLinks(socket)
      .map((link) => link.name)
      .filter((name) => /^v[hi][0-9a-f]{11}$/.test(name));
  }

  #client(name: Client["program"], program: string): Client {
    const argv = (args: readonly string[]) => [program, "--host", `unix://${this.socket}`, ...args];
    const home = join(this.root, "home");
    const env = { HOME: home, DOCKER_CONFIG: join(home, ".docker"), DOCKER_CLI_HINTS: "false", NO_COLOR: "1" };
    const options = (more: CommandOptions = {}) => ({ ...more, env: { ...env, ...more.env } });
    const run = (...args: string[]) => command(argv(args), options());
    return Object.assign(run, {
      program: name,
      with: (more: CommandOptions, ...args: string[]) => command(argv(args), options(more)),
      start: (...args: string[]) => start(argv(args), options()),
      terminal: (...args: string[]) =>
        start(argv(args), { ...options({ env: { TERM: "xterm" } }), terminal: { columns: 80, rows: 24 } }),
    }) as Client;
  }
}
