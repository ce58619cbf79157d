import { describe, expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import { idMapAt } from "../userns/allocate.ts";
import { buildSpec } from "./build.ts";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { FACTS, specInput, type Wanted } from "./fixture.ts";

const idMap = idMapAt(200_000);
const build = (wanted: Wanted = {}) => buildSpec(specInput(wanted));
const specOf = (wanted: Wanted = {}) => build(wanted).spec;
const types = (wanted: Wanted) => specOf(wanted).linux.namespaces.map((namespace) => namespace.type);

describe("the process", () => {
  test("command, directory, environment", () => {
    const { process } = specOf({
      config: {
        Entrypoint: ["/run.sh"],
        Cmd: ["a", "b c"],
        WorkingDir: "/w",
        Env: ["A=1", "PATH=/x", "A=2", "HOSTNAME"],
      },
    });
    expect(process.args).toEqual(["/run.sh", "a", "b c"]);
    expect(process.cwd).toBe("/w");
    expect(process.env).toEqual(["PATH=/x", "A=2", "HOME=/root"]);
  });

  test("a terminal brings TERM and its size", () => {
    const { process } = specOf({ config: { Tty: true }, consoleSize: { height: 3, width: 4 } });
    expect(process).toMatchObject({ terminal: true, consoleSize: { height: 3, width: 4 } });
    expect(process.env).toContain("TERM=xterm");
    expect(process.env).toContain("HOSTNAME=box");
    expect(specOf().process.env.some((entry) => entry.startsWith("TERM="))).toBe(false);
  });

  test("nothing to run is an error", () => {
    expect(() => build({ config: { Cmd: [] } })).toThrow("no command specified");
  });

  test("an init goes before it in a pid namespace of its own only", () => {
    const hostConfig = { Init: true };
    const { spec, binds } = build({ hostConfig });
    expect(spec.process.args).toEqual(["/sbin/docker-init", "--", "true"]);
    expect(binds[0]?.source).toBe("/usr/bin/tini");
    expect(specOf({ hostConfig: { ...hostConfig, PidMode: "host" } }).process.args).toEqual(["true"]);
    const bare = { ulimits: [], init: true, initPath: undefined, seccompProfile: "builtin", noNewPrivileges: false };
    expect(() => build({ defaults: bare })).toThrow("docker-init");
  });

  test("a user who is not root holds no capabilities, but may be given them by files", () => {
    const user = { uid: 5, gid: 6, additionalGids: [6, 7], home: "" };
    const { process } = specOf({ user });
    expect(process.user).toEqual({ uid: 5, gid: 6, additionalGids: [6, 7] });
    expect(process.capabilities).toMatchObject({ bounding: DEFAULT_CAPABILITIES, effective: [], permitted: [] });
  });

  test("ulimits: the container's over the daemon's, no higher than can be given", () => {
    const defaults = {
      ulimits: [
        { name: "core", soft: -1, hard: -1 },
        { name: "nofile", soft: 1, hard: 2 },
      ],
      init: false,
      initPath: undefined,
      seccompProfile: "builtin",
      noNewPrivileges: false,
    };
    const weak = { ...FACTS, capabilities: DEFAULT_CAPABILITIES };
    const hostConfig = { Ulimits: [{ Name: "nofile", Soft: 50_000, Hard: 60_000 }] };
    const { spec, warnings } = build({ facts: weak, defaults, hostConfig });
    expect(spec.process.rlimits).toEqual([
      { type: "RLIMIT_CORE", soft: Number.MAX_SAFE_INTEGER, hard: Number.MAX_SAFE_INTEGER },
      { type: "RLIMIT_NOFILE", soft: 20_000, hard: 20_000 },
    ]);
    expect(warnings).toEqual(["ulimit nofile: the daemon may not go above 20000, 60000 was asked for"]);
    expect(build({ defaults, hostConfig }).spec.process.rlimits?.[1]).toMatchObject({ hard: 60_000 });
    expect(build({ defaults, hostConfig }).warnings).toEqual([]);
  });
});

describe("namespaces", () => {
  test("all of its own, the user's only with a mapping, the cgroup's when asked", () => {
    expect(types({})).toEqual(["mount", "network", "ipc", "pid", "uts"]);
    expect(types({ idMap, hostConfig: { CgroupnsMode: "private" } })).toEqual([
      "mount",
      "user",
      "network",
      "ipc",
      "pid",
      "uts",
      "cgroup",
    ]);
    expect(specOf({ idMap }).linux.uidMappings).toEqual([{ containerID: 0, hostID: 200_000, size: 65_536 }]);
  });

  test("the host's are left out", () => {
    const hostConfig = { IpcMode: "host", PidMode: "host", UTSMode: "host", NetworkMode: "host" };
    const wanted: Wanted = { hostConfig, namespaces: { network: { kind: "host" } } };
    expect(types(wanted)).toEqual(["mount"]);
    expect(specOf(wanted).hostname).toBeUndefined();
  });

  test("another container's are joined by path", () => {
    const { linux } = specOf({
      idMap,
      hostConfig: { IpcMode: "container:x", PidMode: "container:x" },
      namespaces: {
        network: { kind: "join", path: "/proc/7/ns/net", owned: true },
        user: "/proc/7/ns/user",
        ipc: "/proc/7/ns/ipc",
        pid: "/proc/7/ns/pid",
      },
    });
    expect(linux.namespaces).toEqual([
      { type: "mount" },
      { type: "user", path: "/proc/7/ns/user" },
      { type: "network", path: "/proc/7/ns/net" },
      { type: "ipc", path: "/proc/7/ns/ipc" },
      { type: "pid", path: "/proc/7/ns/pid" },
      { type: "uts" },
    ]);
  });

  test("a domain name is a sysctl, or in a user namespace the runtime's to set", () => {
    const config = { Domainname: "example" };
    expect(specOf({ config }).linux.sysctl).toMatchObject({ "kernel.domainname": "example" });
    const mapped = specOf({ config, idMap });
    expect(mapped.domainname).toBe("example");
    expect(mapped.linux.sysctl).not.toHaveProperty("kernel.domainname");
  });
});

describe("security", () => {
  const capabilities = (hostConfig: Wanted["hostConfig"]) =>
    specOf({ hostConfig }).process.capabilities?.bounding ?? [];

  test("capabilities are added and dropped with and without prefix, in any case", () => {
    expect(capabilities({ CapAdd: ["net_admin", "CAP_SYS_TIME"], CapDrop: ["CHOWN"] })).toEqual([
      ...DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_CHOWN"),
      "CAP_NET_ADMIN",
      "CAP_SYS_TIME",
    ]);
    expect(capabilities({ CapDrop: ["ALL"], CapAdd: ["KILL"] })).toEqual(["CAP_KILL"]);
    expect(capabilities({ CapAdd: ["ALL"], CapDrop: ["SYS_ADMIN"] })).not.toContain("CAP_SYS_ADMIN");
    expect(capabilities({ CapAdd: ["ALL"] })).toHaveLength(41);
  });

  test("no-new-privileges, systempaths, the daemon's default", () => {
    const nnp = (...SecurityOpt: string[]) => specOf({ hostConfig: { SecurityOpt } }).process.noNewPrivileges;
    expect(nnp()).toBe(false);
    expect(nnp("no-new-privileges")).toBe(true);
    expect(nnp("no-new-privileges:true")).toBe(true);
    expect(nnp("no-new-privileges=false")).toBe(false);
    const open = specOf({ hostConfig: { SecurityOpt: ["systempaths=unconfined"] } }).linux;
    expect([open.maskedPaths, open.readonlyPaths]).toEqual([[], []]);
  });

  test("masked and read-only paths are Docker's, unless named", () => {
    const { maskedPaths, readonlyPaths } = specOf().linux;
    for (const path of ["/proc/kcore", "/proc/keys", "/sys/firmware", "/sys/devices/virtual/powercap"]) {
      expect(maskedPaths).toContain(path);
    }
    expect(readonlyPaths).toEqual(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]);
    expect(specOf({ hostConfig: { MaskedPaths: ["/x"] } }).linux.maskedPaths).toEqual(["/x"]);
  });

  test("AppArmor's profile, where there is one", () => {
    const facts = { ...FACTS, apparmor: true, apparmorProfile: "hoy-default" };
    const profile = (hostConfig: Wanted["hostConfig"]) => specOf({ facts, hostConfig }).process.apparmorProfile;
    expect(profile({})).toBe("hoy-default");
    expect(profile({ Privileged: true })).toBe("unconfined");
    expect(profile({ SecurityOpt: ["apparmor=mine"] })).toBe("mine");
    expect(specOf({ hostConfig: { SecurityOpt: ["apparmor=mine"] } }).process.apparmorProfile).toBeUndefined();
  });

  test.each(["nonsense", "seccomp", "colour=red", "no-new-privileges=maybe", "systempaths=all"])(
    "--security-opt %s is refused",
    (option) => {
      expect(() => build({ hostConfig: { SecurityOpt: [option] } })).toThrow(/^invalid --security-opt/);
    },
  );

  test("privileged has it all", () => {
    const { process, linux, mounts } = specOf({ hostConfig: { Privileged: true } });
    expect(process.capabilities?.effective).toHaveLength(41);
    expect(linux.seccomp).toBeUndefined();
    expect(linux.maskedPaths).toEqual([]);
    expect(linux.resources?.devices).toEqual([{ allow: true, access: "rwm" }]);
    expect(linux.devices?.map((device) => device.path)).toContain("/dev/zero");
    expect(linux.devices?.some((device) => device.path.startsWith("/dev/pts/"))).toBe(false);
    expect(mounts.find((mount) => mount.destination === "/sys")?.options).not.toContain("ro");
  });
});

describe("limits", () => {
  const resources = (hostConfig: Wanted["hostConfig"]) => specOf({ hostConfig }).linux.resources;

  test("memory, swap, pids", () => {
    expect(resources({ Memory: 100, MemorySwap: 200, MemoryReservation: 50, MemorySwappiness: 0 })?.memory).toEqual({
      limit: 100,
      swap: 200,
      reservation: 50,
      swappiness: 0,
    });
    expect(resources({ Memory: 100, MemorySwap: -1, OomKillDisable: true })?.memory).toEqual({
      limit: 100,
      disableOOMKiller: true,
    });
    expect(resources({ PidsLimit: 0 })?.pids).toEqual({ limit: -1 });
    expect(resources({ PidsLimit: 9 })?.pids).toEqual({ limit: 9 });
    expect(resources({})?.pids).toBeUndefined();
  });

  test("cpus become quota and period", () => {
    expect(resources({ NanoCpus: 1.5e9, CpuShares: 7, CpusetCpus: "0-1", CpusetMems: "0" })?.cpu).toEqual({
      shares: 7,
      cpus: "0-1",
      mems: "0",
      period: 100_000,
      quota: 150_000,
    });
    expect(resources({ CpuQuota: -1, CpuPeriod: 5000 })?.cpu).toEqual({ quota: -1, period: 5000 });
  });

  test("block devices by path", () => {
    expect(resources({ BlkioWeight: 300, BlkioDeviceReadBps: [{ Path: "/dev/null", Rate: 9 }] })?.blockIO).toEqual({
      weight: 300,
      throttleReadBpsDevice: [{ major: 1, minor: 3, rate: 9 }],
    });
    expect(() => resources({ BlkioDeviceWriteIOps: [{ Path: "/dev/nope", Rate: 9 }] })).toThrow(
      "stat /dev/nope: no such file or directory",
    );
  });
});

describe("devices", () => {
  test("a node, with its permissions, and rules", () => {
    const { linux } = specOf({
      hostConfig: {
        Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/hole", CgroupPermissions: "r" }],
        DeviceCgroupRules: ["b 8:* rm", "a *:* w"],
      },
    });
    expect(linux.devices?.[0]).toMatchObject({ type: "c", path: "/dev/hole", major: 1, minor: 3 });
    expect(linux.resources?.devices?.[0]).toEqual({ allow: false, access: "rwm" });
    expect(linux.resources?.devices?.slice(-3)).toEqual([
      { allow: true, type: "c", major: 1, minor: 3, access: "r" },
      { allow: true, type: "b", major: 8, minor: -1, access: "rm" },
      { allow: true, type: "a", major: -1, minor: -1, access: "w" },
    ]);
  });

  test("in a user namespace it is bound, and belongs to the container's root", () => {
    const { spec, binds } = build({
      idMap,
      deviceDirectory: "/var/lib/hoy/containers/c/devices",
      hostConfig: { Devices: [{ PathOnHost: "/dev/full" }] },
    });
    expect(spec.linux.devices).toEqual([]);
    expect(binds).toEqual([
      {
        source: "/var/lib/hoy/containers/c/devices/0",
        target: "/run/hoy/containers/c/binds/0",
        recursive: false,
        idmap: false,
        node: { type: "c", major: 1, minor: 7, mode: 0o666, uid: 200_000, gid: 200_000 },
      },
    ]);
    expect(spec.mounts.find((mount) => mount.destination === "/dev/full")?.source).toBe(
      "/run/hoy/containers/c/binds/0",
    );
  });

  test("what is none is an error", () => {
    const device = (PathOnHost: string) => () => build({ hostConfig: { Devices: [{ PathOnHost }] } });
    expect(device("/dev/nope")).toThrow('error gathering device information while adding custom device "/dev/nope"');
    expect(device("/etc/passwd")).toThrow("not a device node");
    expect(() => build({ hostConfig: { DeviceCgroupRules: ["c 1:2 x"] } })).toThrow(
      "invalid device cgroup rule format: 'c 1:2 x'",
    );
    expect(() => build({ hostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] } })).toThrow(
      'could not select device driver "" with capabilities: [[gpu]]',
    );
  });
});

describe("sysctls", () => {
  const sysctl =
    (Sysctls: Record<string, string>, more: object = {}) =>
    () =>
      build({ hostConfig: { Sysctls, ...more } });

  test("low ports and ping for all, in a network of its own", () => {
    expect(specOf().linux.sysctl).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "0",
      "net.ipv4.ping_group_range": "0 2147483647",
    });
    expect(specOf({ idMap }).linux.sysctl).toMatchObject({ "net.ipv4.ping_group_range": "0 65535" });
    expect(specOf({ namespaces: { network: { kind: "host" } } }).linux.sysctl).toEqual({});
    const joined = { network: { kind: "join", path: "/proc/1/ns/net", owned: false } } as const;
    expect(specOf({ idMap, namespaces: joined }).linux.sysctl).toEqual({});
    expect(
      specOf({ hostConfig: { Sysctls: { "net.ipv4.ip_unprivileged_port_start": "1024" } } }).linux.sysctl,
    ).toMatchObject({ "net.ipv4.ip_unprivileged_port_start": "1024" });
  });

  test("only those of a namespace, and not of the host's", () => {
    expect(sysctl({ "kernel.shmmax": "1", "fs.mqueue.msg_max": "2", "net/core/somaxconn": "3" })).not.toThrow();
    expect(sysctl({ "vm.swappiness": "1" })).toThrow('sysctl "vm.swappiness" is not in a separate kernel namespace');
    expect(sysctl({ "net.core.somaxconn": "1" }, { NetworkMode: "host" })).toThrow(
      'sysctl "net.core.somaxconn" not allowed in host network namespace',
    );
    expect(sysctl({ "kernel.sem": "1" }, { IpcMode: "host" })).toThrow("not allowed in the hosts ipc namespace");
    expect(sysctl({ "kernel.hostname": "x" })).toThrow(HoyError);
  });
});
