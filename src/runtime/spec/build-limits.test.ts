import { describe, expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import { idMapAt } from "../userns/allocate.ts";
import { buildSpec } from "./build.ts";

import { specInput, type Wanted } from "./fixture.ts";

const idMap = idMapAt(200_000);
const build = (wanted: Wanted = {}) => buildSpec(specInput(wanted));
const specOf = (wanted: Wanted = {}) => build(wanted).spec;

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
