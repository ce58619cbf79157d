import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ContainerConfig, HostConfig, Resources } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { parseCpuList } from "./cpuset.ts";
import { FACTS } from "./fixture.ts";
import { updateLimits } from "./update.ts";
import { type ValidationContext, validateHostConfig, withHostDefaults } from "./validate.ts";

const MIB = 2 ** 20;
const CONTEXT: ValidationContext = {
  facts: FACTS,
  settings: {
    shmSize: 64 * MIB,
    ipcMode: "private",
    cgroupNamespace: "private",
    userNamespaces: { enabled: true, user: "hoy", group: "hoy" },
  },
};
const check = (host: HostConfig, container: ContainerConfig = {}, context = CONTEXT) =>
  validateHostConfig(withHostDefaults(host, context), container, context);

describe("defaults", () => {
  test("swap is twice the memory, and the rest as Docker fills it in", () => {
    const config = withHostDefaults({ Memory: 10 * MIB }, CONTEXT);
    expect(config).toMatchObject({
      MemorySwap: 20 * MIB,
      ShmSize: 64 * MIB,
      IpcMode: "private",
      CgroupnsMode: "private",
      OomKillDisable: false,
    });
    expect(config.MaskedPaths).toContain("/proc/kcore");
    expect(withHostDefaults({ Memory: 10 * MIB, MemorySwap: -1 }, CONTEXT).MemorySwap).toBe(-1);
  });

  test("privileged is open, and sees the host's cgroups under v1", () => {
    const config = withHostDefaults({ Privileged: true }, CONTEXT);
    expect(config).toMatchObject({
      MaskedPaths: [],
      ReadonlyPaths: [],
      CgroupnsMode: "host",
      SecurityOpt: ["label=disable"],
    });
    const v2 = { ...CONTEXT, facts: { ...FACTS, cgroups: { ...FACTS.cgroups, mode: "v2" as const } } };
    expect(withHostDefaults({ Privileged: true }, v2).CgroupnsMode).toBe("private");
  });

  test("nulls are what was not given; wrong types are refused as Go does", () => {
    const json = (text: string): HostConfig => JSON.parse(text);
    expect(withHostDefaults(json('{"Init":null,"PidsLimit":null,"Binds":null}'), CONTEXT)).not.toHaveProperty("Init");
    for (const text of [
      '{"Memory":"1g"}',
      '{"Memory":1.5}',
      '{"Binds":"x"}',
      '{"Ulimits":[{"Soft":"1"}]}',
      '{"Sysctls":[]}',
    ]) {
      expect(() => withHostDefaults(json(text), CONTEXT)).toThrow(
        /^json: cannot unmarshal .* into Go struct field HostConfig\./,
      );
    }
    expect(() => withHostDefaults({ CgroupParent: "a\0b" }, CONTEXT)).toThrow("zero byte");
  });
});

describe("limits that are refused", () => {
  const cases: readonly (readonly [HostConfig, string])[] = [
    [{ Memory: 5 * MIB }, "Minimum memory limit allowed is 6MB"],
    [{ Memory: -5 }, "invalid Memory"],
    [
      { Memory: 10 * MIB, MemorySwap: 9 * MIB },
      "Minimum memoryswap limit should be larger than memory limit, see usage",
    ],
    [{ MemorySwap: 9 * MIB }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
    [{ MemorySwappiness: 101 }, "Invalid value: 101, valid memory swappiness range is 0-100"],
    [{ MemoryReservation: 1 }, "Minimum memory reservation allowed is 6MB"],
    [
      { Memory: 10 * MIB, MemoryReservation: 11 * MIB },
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    ],
    [{ NanoCpus: 5e9 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
    [{ NanoCpus: -1 }, "range of CPUs is from 0.01 to 4.00"],
    [{ NanoCpus: 1e9, CpuPeriod: 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set"],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
    [{ CpuPeriod: 10 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
    [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
    [{ CpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"],
    [
      { CpuRealtimePeriod: 1, CpuRealtimeRuntime: 2 },
      "cpu real-time runtime cannot be higher than cpu real-time period",
    ],
    [{ CpusetCpus: "7" }, "Requested CPUs are not available - requested 7, available: 0-3"],
    [{ CpusetCpus: "x" }, "Invalid value x for cpuset cpus: invalid format: x"],
    [{ CpusetMems: "1-9223372036854775807" }, "Invalid value 1-9223372036854775807 for cpuset mems"],
    [{ CpusetMems: "4" }, "Requested memory nodes are not available - requested 4, available: 0"],
    [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
    [{ BlkioWeightDevice: [{ Path: "/dev/null", Weight: 1001 }] }, "Range of blkio weight is from 10 to 1000"],
    [{ IOMaximumIOps: 5 }, "QoS maximum IOPs configuration is not supported on linux"],
    [{ Ulimits: [{ Name: "files", Soft: 1, Hard: 1 }] }, "invalid ulimit type: files"],
    [
      { Ulimits: [{ Name: "nofile", Soft: 5, Hard: 1 }] },
      "ulimit soft limit must be less than or equal to hard limit: 5 > 1",
    ],
  ];
  test.each(cases)("%j", (config, message) => {
    expect(() => check(config)).toThrow(message);
    expect(() => check(config)).toThrow(HoyError);
  });
});

describe("modes and options that are refused", () => {
  const cases: readonly (readonly [object, string, ContainerConfig?])[] = [
    [{ IpcMode: "odd" }, "invalid IPC mode: odd"],
    [{ IpcMode: "container:" }, "invalid IPC mode: container:"],
    [{ PidMode: "odd" }, "invalid PID mode: odd"],
    [{ UTSMode: "odd" }, "invalid UTS mode: odd"],
    [{ UsernsMode: "odd" }, "invalid userns mode: odd"],
    [{ CgroupnsMode: "odd" }, "invalid cgroup namespace mode: odd"],
    [{ Isolation: "hyperv" }, "invalid isolation (hyperv): linux only supports 'default'"],
    [{ UTSMode: "host" }, "conflicting options: hostname and the UTS mode", { Hostname: "x" }],
    [{ NetworkMode: "container:" }, "invalid container format container:<name|id>"],
    [{ NetworkMode: "container:x" }, "conflicting options: hostname and the network mode", { Hostname: "x" }],
    [{ NetworkMode: "container:x", Dns: ["1.1.1.1"] }, "conflicting options: dns and the network mode"],
    [{ NetworkMode: "container:x", PublishAllPorts: true }, "conflicting options: port publishing"],
    [{ ShmSize: -1 }, "SHM size can not be less than 0"],
    [{ OomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
    [{ CapAdd: ["FLY"] }, 'invalid CapAdd: unknown capability: "CAP_FLY"'],
    [{ CapDrop: ["FLY"] }, 'invalid CapDrop: unknown capability: "CAP_FLY"'],
    [{ SecurityOpt: ["seccomp={"] }, "Decoding seccomp profile failed"],
    [{ SecurityOpt: ["what"] }, 'invalid --security-opt 1: "what"'],
    [{ Sysctls: { "vm.x": "1" } }, "is not in a separate kernel namespace"],
    [{ DeviceCgroupRules: ["x"] }, "invalid device cgroup rule format: 'x'"],
    [{ Devices: [{ PathOnHost: "/dev/null", PathInContainer: "null" }] }, "null is not an absolute path"],
    [{ Devices: [{ PathOnHost: "/dev/null", CgroupPermissions: "xx" }] }, "bad mode specified: xx"],
    [{ DeviceRequests: [{ Driver: "nvidia" }] }, 'could not select device driver "nvidia"'],
    [{ Tmpfs: { run: "" } }, "invalid mount path: 'run' mount path must be absolute"],
    [{ Tmpfs: { "/": "" } }, "destination can't be '/'"],
    [{ Tmpfs: { "/run": "what" } }, 'invalid tmpfs option "what"'],
    [{ Annotations: { "": "x" } }, "the empty string is not permitted as an annotation key"],
  ];
  test.each(cases.map(([config, message, container = {}]) => ({ config, message, container })))("$message", (one) => {
    expect(() => check(one.config, one.container)).toThrow(one.message);
  });
});

test("what the kernel can't hold is left out, with Docker's warning", () => {
  const support = {
    ...FACTS.support,
    swapLimit: false,
    memorySwappiness: false,
    oomKillDisable: false,
    blkioWeight: false,
  };
  const context = { ...CONTEXT, facts: { ...FACTS, support } };
  const { hostConfig, warnings } = check(
    { Memory: 10 * MIB, MemorySwappiness: 5, OomKillDisable: true, BlkioWeight: 20 },
    {},
    context,
  );
  expect(hostConfig.MemorySwap).toBe(-1);
  for (const gone of ["MemorySwappiness", "OomKillDisable", "BlkioWeight"]) expect(hostConfig).not.toHaveProperty(gone);
  expect(warnings).toEqual([
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
    "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  ]);
});

test("a capability that the daemon lacks can be had in a user namespace only", () => {
  const facts = { ...FACTS, capabilities: FACTS.capabilities.filter((name) => name !== "CAP_SYS_RESOURCE") };
  const context = { ...CONTEXT, facts };
  expect(() => check({ CapAdd: ["SYS_RESOURCE"] }, {}, context)).not.toThrow();
  expect(() => check({ CapAdd: ["SYS_RESOURCE"], UsernsMode: "host" }, {}, context)).toThrow(
    'capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
  );
});

test("no HostConfig of the right types does worse than a HoyError", () => {
  const number = fc.option(fc.integer(), { nil: undefined });
  const text = fc.option(fc.string(), { nil: undefined });
  const config = fc.record({
    Memory: number,
    MemorySwap: number,
    NanoCpus: number,
    CpusetCpus: text,
    IpcMode: text,
    SecurityOpt: fc.array(fc.string()),
    Tmpfs: fc.dictionary(fc.string(), fc.string()),
    CapAdd: fc.array(fc.string()),
    Sysctls: fc.dictionary(fc.string(), fc.string()),
  });
  fc.assert(
    fc.property(config, (given) => {
      try {
        check(JSON.parse(JSON.stringify(given)));
      } catch (error) {
        expect(error).toBeInstanceOf(HoyError);
      }
    }),
  );
});

test("lists of CPUs", () => {
  expect([...parseCpuList("0-2,7,1")]).toEqual([0, 1, 2, 7]);
  for (const bad of ["2-1", "a", "1,", "-1", "1-2-3", " 1"]) expect(() => parseCpuList(bad)).toThrow("invalid format");
  expect(() => parseCpuList("0-9000")).toThrow("value of out range");
});

describe("update", () => {
  const update = (current: HostConfig, wanted: Resources) => updateLimits(current, wanted, FACTS);

  test("only what is given changes", () => {
    const { hostConfig, resources } = update(
      { Memory: 10 * MIB, MemorySwap: 20 * MIB, CpuShares: 5, Binds: ["/a:/b"] },
      { Memory: 15 * MIB, CpuShares: 0, PidsLimit: 7, CpusetCpus: "" },
    );
    expect(hostConfig).toEqual({
      Memory: 15 * MIB,
      MemorySwap: 20 * MIB,
      CpuShares: 5,
      Binds: ["/a:/b"],
      PidsLimit: 7,
    });
    expect(resources).toEqual({ memory: { limit: 15 * MIB }, pids: { limit: 7 } });
  });

  test("unlimited swap is said to a running container", () => {
    expect(update({ Memory: 10 * MIB, MemorySwap: 20 * MIB }, { MemorySwap: -1 }).resources.memory).toEqual({
      swap: -1,
    });
  });

  test("the first limit brings swap along, as at create", () => {
    expect(update({}, { Memory: 10 * MIB }).resources.memory).toEqual({ limit: 10 * MIB, swap: 20 * MIB });
  });

  test("what does not go together is refused", () => {
    expect(() => update({ Memory: 10 * MIB, MemorySwap: 20 * MIB }, { Memory: 30 * MIB })).toThrow(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
    expect(() => update({ Memory: 10 * MIB, MemorySwap: 20 * MIB }, { MemorySwap: 7 * MIB })).toThrow(
      "Minimum memoryswap",
    );
    expect(() => update({ NanoCpus: 1e9 }, { CpuQuota: 5000 })).toThrow(
      "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
    );
    expect(() => update({ CpuPeriod: 5000 }, { NanoCpus: 1e9 })).toThrow(
      "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
    );
    expect(() => update({}, { Memory: 1 })).toThrow("Minimum memory limit allowed is 6MB");
  });
});
