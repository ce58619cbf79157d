import { describe, expect, test } from "bun:test";
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
    expect(binds[0]).toMatchObject({ source: "/usr/bin/tini", idmap: false });
    expect(build({ hostConfig, idMap }).binds[0]?.idmap).toBe(false); // the host's root may be what can't be idmapped
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
