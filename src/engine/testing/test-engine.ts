// For tests: an engine on a data root of its own in /tmp, with an image of busybox, that leaves nothing behind.
// Needs root, Linux, crun and busybox-static, as the engine does.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ContainerCreateRequest } from "../../api/backend.ts";
import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import type { EngineSettings } from "../../base/settings.ts";
import { unmount } from "../../linux/mount.ts";
import { type Engine, openEngine } from "../engine.ts";

const project = resolve(import.meta.dir, "../../..");

export function buildShim(): string {
  execFileSync("make", ["-s", "-C", join(project, "shim")], { stdio: ["ignore", "ignore", "inherit"] });
  return join(project, "dist", "hoy-shim");
}

export function testSettings(root: string, shim: string): EngineSettings {
  return {
    paths: { data: join(root, "data"), run: join(root, "run") },
    shim,
    debug: false,
    experimental: false,
    labels: [],
    runtimes: { crun: { path: "crun", args: [] }, runc: { path: "runc", args: [] } },
    defaultRuntime: "crun",
    storageDriver: undefined,
    containerSize: undefined,
    userNamespaces: { enabled: true, user: "hoy-test", group: "hoy-test" },
    log: { driver: "json-file", options: {} },
    ulimits: [],
    init: false,
    initPath: undefined,
    seccompProfile: "builtin",
    noNewPrivileges: false,
    shmSize: 64 * 1024 * 1024,
    ipcMode: "private",
    cgroupNamespace: "private",
    cgroupParent: `/hoy-test-${process.pid}`,
    shutdownTimeout: 2,
    network: {
      bridge: "none",
      bip: undefined,
      bip6: undefined,
      fixedCidr: undefined,
      fixedCidr6: undefined,
      defaultGateway: undefined,
      defaultGateway6: undefined,
      mtu: 1500,
      interContainer: true,
      publishPolicy: "open",
      firewall: false,
      firewall6: false,
      ipForward: false,
      masquerade: false,
      ipv6: false,
      defaultIp: "0.0.0.0",
      dns: [],
      dnsOptions: [],
      dnsSearch: [],
      hostGatewayIps: [],
      addressPools: [],
      defaultOptions: {},
    },
    builder: {
      enabled: true,
      space: { reserved: undefined, maxUsed: undefined, minFree: undefined },
      policies: undefined,
      entitlements: { networkHost: true, insecure: false },
      history: { maxEntries: 50, maxAgeMs: 0 },
    },
    gc: {
      imagesUnusedFor: undefined,
      imagesKeepStorage: undefined,
      cacheUnusedFor: undefined,
      cacheKeepStorage: undefined,
      keepImages: [],
      everyMs: undefined,
    },
    registry: { mirrors: [], insecure: [], certsDirs: [], maxDownloads: 1, maxUploads: 1, maxDownloadAttempts: 1 },
    features: {},
    hosts: [],
  };
}

/** Opens engines on one data root, one after the other, and cleans up after the last. */
export class TestEngine implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), "hoy-engine-"));
  readonly settings: EngineSettings;
  #engine: Engine | undefined;

  constructor(change: Partial<EngineSettings> = {}) {
    // The containers' root, nobody on the host, must pass.
    chmodSync(this.root, 0o711);
    this.settings = { ...testSettings(this.root, buildShim()), ...change };
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error("the engine is not open");
    return this.#engine;
  }

  get containers() {
    return this.engine.backend.containers;
  }

  async open(): Promise<void> {
    this.#engine = await openEngine(this.settings);
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** `busybox:latest`, with the given instructions applied. */
  async importBusybox(changes: readonly string[] = ['CMD ["sh"]', "ENV PATH=/bin"]): Promise<void> {
    const tar = execFileSync(join(project, "scripts", "base-image"), { maxBuffer: 64 * 1024 * 1024 });
    const options = {
      source: "-",
      repo: "busybox",
      tag: "latest",
      message: "",
      changes,
      platform: undefined,
    };
    const progress = await this.engine.backend.images.import(options, once(tar), new AbortController().signal);
    for await (const message of progress) if (message.error !== undefined) throw new Error(message.error);
  }

  /** Creates a container; the network is none unless said otherwise. */
  async create(config: ContainerConfig, hostConfig: HostConfig = {}, name?: string): Promise<string> {
    const request: ContainerCreateRequest = {
      name,
      platform: undefined,
      config: { Image: "busybox", ...config },
      hostConfig: { NetworkMode: "none", ...hostConfig },
      networkingConfig: {},
    };
    return (await this.containers.create(request, new AbortController().signal)).Id;
  }

  /** Creates and starts one. */
  async run(config: ContainerConfig, hostConfig: HostConfig = {}, name?: string): Promise<string> {
    const id = await this.create(config, hostConfig, name);
    await this.containers.start(id, { detachKeys: undefined });
    return id;
  }

  /** The exit code, once it does not run. */
  async wait(id: string): Promise<number> {
    const { result } = await this.containers.wait(id, "not-running", new AbortController().signal);
    return (await result).StatusCode;
  }

  async logs(id: string): Promise<string> {
    const options = {
      stdout: true,
      stderr: true,
      follow: false,
      since: undefined,
      until: undefined,
      timestamps: false,
      details: false,
      tail: undefined,
    };
    const { chunks } = await this.containers.logs(id, options, new AbortController().signal);
    let text = "";
    for await (const { data } of chunks) text += Buffer.from(data).toString("utf8");
    return text;
  }

  async state(id: string) {
    const { State } = await this.containers.inspect(id, { size: false });
    if (State === undefined) throw new Error("inspect gave no state");
    return State;
  }

  /** What is left on the host when no container is: paths of bundles, directories, mounts and cgroups. */
  leftovers(): string[] {
    const { data, run } = this.settings.paths;
    const below = (path: string) => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []);
    const mounts = mountPoints().filter(
      (point) => point.startsWith(`${this.root}/`) && !point.includes("/run/images/"),
    );
    return [...below(join(data, "containers")), ...below(join(run, "containers")), ...mounts, ...this.#cgroups()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#engine !== undefined) {
      for (const { Id = "" } of await this.containers.list({
        all: true,
        limit: undefined,
        size: false,
        filters: new Map(),
      })) {
        await this.containers.remove(Id, { force: true, volumes: true, link: false });
      }
    }
    await this.close();
    for (const point of mountPoints().filter((one) => one.startsWith(`${this.root}/`))) unmount(point, 2);
    for (const path of this.#cgroupParents()) rmdirSync(path);
    rmSync(this.root, { recursive: true, force: true });
  }

  #cgroups(): string[] {
    return this.#cgroupParents().flatMap((path) =>
      readdirSync(path)
        .filter((name) => /^[0-9a-f]{64}$/.test(name))
        .map((name) => join(path, name)),
    );
  }

  /** Where the containers' cgroups are, in every hierarchy. */
  #cgroupParents(): string[] {
    const hierarchies = ["", ...readdirSync("/sys/fs/cgroup")];
    const paths = hierarchies.map((name) => join("/sys/fs/cgroup", name, this.settings.cgroupParent));
    // "cpu" and "cpuacct" are links to one hierarchy.
    return [...new Set(paths.filter((path) => existsSync(path)).map((path) => realpathSync(path)))];
  }
}

function mountPoints(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "").reverse();
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}
