import { describe, expect, test } from "bun:test";
import { idMapAt } from "../userns/allocate.ts";
import { buildSpec } from "./build.ts";
import { specInput, type Wanted } from "./fixture.ts";
import type { ResolvedBind } from "./input.ts";
import { tmpfsOptions } from "./tmpfs.ts";

const idMap = idMapAt(200_000);
const build = (wanted: Wanted) => buildSpec(specInput(wanted));
const at = (wanted: Wanted, destination: string) =>
  build(wanted).spec.mounts.find((mount) => mount.destination === destination);
const bind = (source: string, destination: string, more: Partial<ResolvedBind> = {}): ResolvedBind => ({
  type: "bind",
  source,
  destination,
  writable: true,
  ...more,
});

describe("the usual mounts", () => {
  test("in Docker's order", () => {
    const order = ["/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"];
    expect(build({}).spec.mounts.map((mount) => mount.destination)).toEqual(order);
    expect(at({}, "/dev/pts")?.options).toContain("gid=5");
    expect(at({}, "/dev/shm")?.options).toContain("size=67108864");
    expect(at({ hostConfig: { ShmSize: 5 } }, "/dev/shm")?.options).toContain("size=5");
  });

  test("a mapping without id 5 has no group for terminals", () => {
    const small = [{ container: 0, host: 200_000, size: 5 }];
    expect(at({ idMap: { uids: small, gids: small } }, "/dev/pts")?.options).not.toContain("gid=5");
    expect(at({ idMap }, "/dev/pts")?.options).toContain("gid=5");
  });

  test("what a user namespace may not mount is bound from the host", () => {
    const host: Wanted = { idMap, namespaces: { network: { kind: "host" } } };
    expect(at({ idMap }, "/sys")?.type).toBe("sysfs");
    expect(at(host, "/sys")).toEqual({
      destination: "/sys",
      type: "bind",
      source: "/sys",
      options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
    });
    expect(at({ ...host, idMap: undefined }, "/sys")?.type).toBe("sysfs");
    expect(at({ idMap, hostConfig: { PidMode: "host" } }, "/proc")?.type).toBe("bind");
    expect(at({ idMap, hostConfig: { IpcMode: "host" } }, "/dev/mqueue")).toBeUndefined();
    expect(at({ idMap, hostConfig: { IpcMode: "host" } }, "/dev/shm")?.source).toBe("/dev/shm");
  });

  test("shared memory: none, or the other container's", () => {
    expect(at({ hostConfig: { IpcMode: "none" } }, "/dev/shm")).toBeUndefined();
    const shared = at({ hostConfig: { IpcMode: "container:x" }, shmPath: "/run/hoy/x/shm" }, "/dev/shm");
    expect(shared?.source).toBe("/run/hoy/x/shm");
  });

  test("a mount of the user's takes the place of one of them, and of all below it", () => {
    const mounts = build({ mounts: [bind("/dev", "/dev")] }).spec.mounts.map((mount) => mount.destination);
    expect(mounts).toEqual(["/proc", "/sys", "/sys/fs/cgroup", "/dev"]);
  });

  test("a read-only root: what is not scratch is read-only", () => {
    const hostConfig = { ReadonlyRootfs: true };
    expect(build({ hostConfig }).spec.root.readonly).toBe(true);
    expect(at({ hostConfig }, "/dev/shm")?.options).not.toContain("ro");
    expect(at({ hostConfig }, "/sys/fs/cgroup")?.options).toContain("ro");
  });
});

describe("binds", () => {
  test("are staged in the bundle, by depth, with the container's ids", () => {
    const { spec, binds } = build({
      idMap,
      mounts: [bind("/srv/b", "/a/b/c"), bind("/srv/a", "/a", { writable: false })],
      files: { hosts: "/state/hosts" },
    });
    expect(binds).toEqual([
      { source: "/srv/a", target: "/run/hoy/containers/c/binds/0", recursive: true, idmap: true },
      { source: "/state/hosts", target: "/run/hoy/containers/c/binds/1", recursive: true, idmap: true },
      { source: "/srv/b", target: "/run/hoy/containers/c/binds/2", recursive: true, idmap: true },
    ]);
    expect(spec.mounts.slice(-3)).toEqual([
      {
        destination: "/a",
        type: "bind",
        source: "/run/hoy/containers/c/binds/0",
        options: ["rbind", "rro", "rprivate"],
      },
      {
        destination: "/etc/hosts",
        type: "bind",
        source: "/run/hoy/containers/c/binds/1",
        options: ["rbind", "rprivate"],
      },
      { destination: "/a/b/c", type: "bind", source: "/run/hoy/containers/c/binds/2", options: ["rbind", "rprivate"] },
    ]);
    expect(build({ mounts: [bind("/srv/a", "/a")] }).binds[0]?.idmap).toBe(false);
    expect(build({ idMap, mounts: [bind("/srv/a", "/a", { idmap: false })] }).binds[0]?.idmap).toBe(false);
  });

  test("read-only: below it too where that goes, a file just so", () => {
    const options = (more: Partial<ResolvedBind>, wanted: Wanted = {}) =>
      at({ ...wanted, mounts: [bind("/srv/a", "/a", { writable: false, ...more })] }, "/a")?.options;
    expect(options({})).toEqual(["rbind", "rro", "rprivate"]);
    expect(options({ readOnlyBelow: "no" })).toEqual(["rbind", "ro", "rprivate"]);
    expect(options({ recursive: false })).toEqual(["bind", "ro", "rprivate"]);
    expect(options({ source: "/etc/passwd" })).toEqual(["rbind", "ro", "rprivate"]);
    const old = { facts: { ...specInput().facts, kernel: [5, 10] as const } };
    expect(options({}, old)).toEqual(["rbind", "ro", "rprivate"]);
    expect(() => options({ readOnlyBelow: "force" }, old)).toThrow("older than 5.12");
    expect(() => options({ readOnlyBelow: "force", recursive: false })).toThrow("mount options conflict");
  });

  test("propagation reaches the root's, and a user namespace is told of its limits", () => {
    const with_ = (propagation: "rshared" | "rslave", more: Wanted = {}) =>
      build({ ...more, mounts: [bind("/srv/a", "/a", { propagation })] });
    expect(with_("rshared").spec.linux.rootfsPropagation).toBe("shared");
    expect(with_("rslave").spec.linux.rootfsPropagation).toBe("rslave");
    expect(with_("rslave").spec.mounts.at(-1)?.options).toEqual(["rbind", "rslave"]);
    expect(with_("rshared").warnings).toEqual([]);
    expect(with_("rshared", { idMap }).warnings[0]).toContain("one way only");
    expect(build({}).spec.linux.rootfsPropagation).toBeUndefined();
  });

  test("/proc is the kernel's, but for files of figures", () => {
    for (const destination of ["/proc", "/proc/self", "/a/../proc/sys/", "//proc/1"]) {
      expect(() => build({ mounts: [bind("/srv/a", destination)] })).toThrow(
        "cannot be mounted because it is inside /proc",
      );
    }
    expect(() => build({ hostConfig: { Tmpfs: { "/proc/acpi": "" } } })).toThrow("inside /proc");
    for (const mount of [bind("/srv/a", "/proc/meminfo"), bind("/proc", "/proc"), bind("/srv/a", "/process")]) {
      expect(build({ mounts: [mount] }).binds).toHaveLength(1);
    }
  });

  test("the engine's files give way to the user's, and are read-only with the root", () => {
    const files = { hosts: "/state/hosts", resolvConf: "/state/resolv" };
    const sources = build({ files, mounts: [bind("/my/hosts", "/etc/hosts")] }).binds.map((one) => one.source);
    expect(sources).toEqual(["/my/hosts", "/state/resolv"]);
    expect(at({ files, hostConfig: { ReadonlyRootfs: true } }, "/etc/hosts")?.options).toContain("rro");
  });
});

describe("tmpfs", () => {
  test("--tmpfs and --mount type=tmpfs", () => {
    const hostConfig: Wanted["hostConfig"] = {
      Tmpfs: { "/run": "size=64m,exec" },
      Mounts: [
        {
          Type: "tmpfs",
          Target: "/t",
          ReadOnly: true,
          TmpfsOptions: { SizeBytes: 1024, Mode: 0o1777, Options: [["exec"]] },
        },
      ],
    };
    expect(at({ hostConfig }, "/run")).toEqual({
      destination: "/run",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "nodev", "rprivate", "size=64m", "exec"],
    });
    expect(at({ hostConfig }, "/t")?.options).toEqual([
      "nosuid",
      "nodev",
      "rprivate",
      "ro",
      "mode=1777",
      "size=1024",
      "exec",
    ]);
  });

  test("the last of two that mean the same wins", () => {
    expect(tmpfsOptions("ro,rw,size=1,size=2,suid")).toEqual(["noexec", "nodev", "rprivate", "rw", "size=2", "suid"]);
    expect(tmpfsOptions("")).toEqual(["noexec", "nosuid", "nodev", "rprivate"]);
    expect(() => tmpfsOptions("colour=red")).toThrow('invalid tmpfs option "colour"');
    expect(() => tmpfsOptions("lowerdir=/")).toThrow('invalid tmpfs option "lowerdir"');
    expect(() => tmpfsOptions("nonsense")).toThrow('invalid tmpfs option "nonsense"');
  });
});
