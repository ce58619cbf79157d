// For tests: a host as the specs want to know it, an input with nothing in it, and a way to run a spec for real with an
// OCI runtime in a mount namespace of its own (binds put in place plainly; ids are mapped by the shim only).

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import { cgroupPath } from "../cgroups/path.ts";
import { buildSpec } from "./build.ts";
import { capabilityNames } from "./capabilities.ts";
import type { HostFacts } from "./facts.ts";
import type { SpecInput } from "./input.ts";
import { specJson } from "./json.ts";
import { prepareBinds } from "./prepare.ts";

const ALL = capabilityNames((1n << 41n) - 1n);

export const FACTS: HostFacts = {
  cgroups: { mode: "v1", unified: undefined, controllers: new Map() },
  support: {
    memoryLimit: true,
    swapLimit: true,
    memoryReservation: true,
    memorySwappiness: true,
    oomKillDisable: true,
    kernelMemoryTcp: true,
    cpuShares: true,
    cpuCfs: true,
    cpuRealtime: true,
    cpuset: true,
    cpus: "0-3",
    mems: "0",
    pidsLimit: true,
    blkioWeight: true,
    blkioWeightDevice: true,
    blkioThrottle: true,
  },
  cpus: 4,
  memory: 8 * 2 ** 30,
  architecture: "amd64",
  kernel: [6, 12],
  capabilities: ALL,
  kernelCapabilities: ALL,
  apparmor: false,
  apparmorProfile: undefined,
  selinux: false,
  mqueue: false,
  seccomp: true,
  hardLimits: new Map([["nofile", 20_000]]),
  sysctls: new Set(["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"]),
};

export interface Wanted extends Partial<Omit<SpecInput, "config" | "hostConfig">> {
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
}

export function specInput({ config, hostConfig, ...more }: Wanted = {}): SpecInput {
  const id = more.id ?? "c".repeat(64);
  return {
    id,
    bundle: "/run/hoy/containers/c",
    config: { Cmd: ["true"], Hostname: "box", ...config },
    hostConfig: { ShmSize: 67_108_864, IpcMode: "private", ...hostConfig },
    user: { uid: 0, gid: 0, additionalGids: [0], home: "/root" },
    mounts: [],
    files: {},
    idMap: undefined,
    namespaces: { network: { kind: "new" } },
    cgroupPath: cgroupPath(id, undefined),
    facts: FACTS,
    defaults: {
      ulimits: [],
      init: false,
      initPath: "/usr/bin/tini",
      seccompProfile: "builtin",
      noNewPrivileges: false,
    },
    ...more,
  };
}

const APPLETS = "sh cat id mount ls true mkdir touch dd hostname chroot unshare stat env head sleep ulimit wc grep";

/** What is missing for running containers in a test; "" when nothing is. */
export function missingFor(runtime: string): string {
  if (process.getuid?.() !== 0) return "needs root";
  for (const tool of [runtime, "unshare", "busybox"]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  }
  return "";
}

/** A scratch folder with a small image and bundles in it. */
export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "hoy-spec-"));
  readonly #runtime: string;
  readonly #facts: HostFacts;

  constructor(runtime: string, facts: HostFacts) {
    this.#runtime = runtime;
    this.#facts = facts;
    spawnSync("chmod", ["711", this.root]);
    for (const folder of ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "sbin", "data", "scratch"]) {
      mkdirSync(join(this.image, folder), { recursive: true });
    }
    const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "busybox";
    spawnSync("cp", [busybox, join(this.image, "bin/busybox")]);
    for (const applet of APPLETS.split(" ")) symlinkSync("busybox", join(this.image, "bin", applet));
    writeFileSync(join(this.image, "sbin/docker-init"), "");
    writeFileSync(join(this.image, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  }

  get image(): string {
    return join(this.root, "image");
  }

  /** Runs a shell script in a container; gives what it printed on both streams. */
  async run(script: string, wanted: Wanted = {}): Promise<string> {
    const id = `hoy-test-${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
    const bundle = join(this.root, id);
    mkdirSync(join(bundle, "rootfs"), { recursive: true, mode: 0o711 });
    const { spec, binds } = buildSpec(
      specInput({
        id,
        bundle,
        cgroupPath: cgroupPath(id, `/hoy-test-${process.pid}`),
        facts: this.#facts,
        ...wanted,
        config: { Cmd: ["/bin/sh", "-c", script], ...wanted.config },
      }),
    );
    await prepareBinds(binds);
    writeFileSync(join(bundle, "config.json"), specJson(spec));
    const unified = this.#facts.cgroups.mode === "hybrid" ? this.#facts.cgroups.unified : undefined;
    const steps = [
      ...(unified === undefined ? [] : [`umount ${unified}`]),
      `mount --bind ${this.image} ${bundle}/rootfs`,
      ...binds.map(({ source, target, recursive }) => `mount ${recursive ? "--rbind" : "--bind"} ${source} ${target}`),
      `exec ${this.#runtime} --root ${this.root}/state run --bundle ${bundle} ${id}`,
    ];
    return await output(["unshare", "--mount", "--propagation", "slave", "sh", "-c", steps.join(" && ")]);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Standard input is a pipe: crun gives its standard streams to the container's root, and /dev/null is everybody's. */
function output([program = "", ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdin.end();
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", () => resolve(Buffer.concat(chunks).toString()));
  });
}
