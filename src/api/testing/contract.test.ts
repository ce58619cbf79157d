// Our routes and answers held against Docker's own description of the API, version 1.51.

import { describe, expect, test } from "bun:test";
import type { HistoryItem } from "../backend.ts";
import type { ContainerInspectResponse, ContainerSummary } from "../types/container.ts";
import type { ImageInspect, ImageSummary } from "../types/image.ts";
import type { Network } from "../types/network.ts";
import type { ContainerStatsResponse } from "../types/stats.ts";
import type { SystemInfo, SystemVersion } from "../types/system.ts";
import type { Volume } from "../types/volume.ts";
import { loadContract, WITHOUT_CONTRACT } from "./contract.ts";
import { EchoProcess, type FakeParts } from "./fake.ts";
import { startHarness } from "./harness.ts";

const contract = loadContract();
const ID = "c0ffee".padEnd(64, "0");
const DAY = "2026-01-02T03:04:05.678901234Z";

describe.skipIf(contract === undefined)(`against Docker's swagger${WITHOUT_CONTRACT}`, () => {
  test("every operation has a route", async () => {
    await using harness = await startHarness({});
    const missing: string[] = [];
    for (const { method, path } of contract?.operations ?? []) {
      const target = path.replaceAll(/\{[^}]+\}/g, "x");
      const answer = await harness.ask(method, `/v1.51${target}`);
      if (answer.status === 404 && answer.text.includes("page not found")) missing.push(`${method} ${path}`);
    }
    expect(missing).toEqual([]);
  });

  test("answers have the described form", async () => {
    await using harness = await startHarness(parts);
    const wrong: string[] = [];
    for (const [method, path, target, body] of REQUESTS) {
      const json =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
      const answer = await harness.ask(method, `/v1.51${target}`, json);
      expect([path, answer.status]).toEqual([path, answer.status < 300 ? answer.status : 200]);
      wrong.push(...(contract?.check(method, path, answer.status, answer.json) ?? []));
    }
    expect(wrong).toEqual([]);
  });

  test("what is wrong is seen", () => {
    const wrong = contract?.check("GET", "/containers/json", 200, [
      { ...summary, Created: "yesterday", State: "afloat" },
    ]);
    expect(wrong).toHaveLength(2);
    expect(contract?.check("GET", "/volumes/{name}", 200, { Name: "v" })).not.toEqual([]);
  });

  test("errors have the described form", async () => {
    await using harness = await startHarness({});
    for (const path of ["/containers/{id}/json", "/images/{name}/json", "/networks/{id}", "/volumes/{name}"]) {
      const answer = await harness.ask("GET", path.replaceAll(/\{[^}]+\}/g, "x"));
      expect(contract?.check("GET", path, 500, answer.json)).toEqual([]);
    }
  });
});

const REQUESTS: readonly (readonly [method: string, path: string, target: string, body?: unknown])[] = [
  ["GET", "/containers/json", "/containers/json?all=1"],
  ["GET", "/containers/{id}/json", "/containers/x/json"],
  ["GET", "/containers/{id}/top", "/containers/x/top"],
  ["GET", "/containers/{id}/changes", "/containers/x/changes"],
  ["GET", "/containers/{id}/stats", "/containers/x/stats?stream=0"],
  ["POST", "/containers/create", "/containers/create", { Image: "busybox" }],
  ["POST", "/containers/{id}/wait", "/containers/x/wait"],
  ["POST", "/containers/{id}/update", "/containers/x/update", { Memory: 1 }],
  ["POST", "/containers/prune", "/containers/prune"],
  ["POST", "/containers/{id}/exec", "/containers/x/exec", { Cmd: ["true"] }],
  ["GET", "/exec/{id}/json", "/exec/x/json"],
  ["GET", "/images/json", "/images/json"],
  ["GET", "/images/{name}/json", "/images/x/json"],
  ["GET", "/images/{name}/history", "/images/x/history"],
  ["DELETE", "/images/{name}", "/images/x"],
  ["POST", "/images/prune", "/images/prune"],
  ["POST", "/commit", "/commit?container=x"],
  ["GET", "/networks", "/networks"],
  ["GET", "/networks/{id}", "/networks/x"],
  ["POST", "/networks/create", "/networks/create", { Name: "x" }],
  ["POST", "/networks/prune", "/networks/prune"],
  ["GET", "/volumes", "/volumes"],
  ["GET", "/volumes/{name}", "/volumes/x"],
  ["POST", "/volumes/create", "/volumes/create", {}],
  ["POST", "/volumes/prune", "/volumes/prune"],
  ["GET", "/info", "/info"],
  ["GET", "/version", "/version"],
  ["GET", "/system/df", "/system/df"],
  ["GET", "/events", "/events?until=1"],
  ["POST", "/auth", "/auth", { username: "a", password: "b" }],
  ["POST", "/build/prune", "/build/prune"],
  ["GET", "/plugins", "/plugins"],
];

const summary: ContainerSummary = {
  Id: ID,
  Names: ["/tug"],
  Image: "busybox",
  ImageID: `sha256:${ID}`,
  Command: "sh",
  Created: 1767323045,
  Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
  Labels: { a: "b" },
  State: "running",
  Status: "Up 2 hours",
  HostConfig: { NetworkMode: "bridge", Annotations: { a: "b" } },
  NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2", Aliases: [] } } },
  Mounts: [],
};

const inspected: ContainerInspectResponse = {
  Id: ID,
  Created: DAY,
  Path: "sh",
  Args: [],
  State: { Status: "running", Running: true, Pid: 4, ExitCode: 0, Error: "", StartedAt: DAY, FinishedAt: DAY },
  Image: `sha256:${ID}`,
  Name: "/tug",
  RestartCount: 0,
  Driver: "erofs",
  Platform: "linux",
  ExecIDs: null,
  HostConfig: {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: {} },
  },
  GraphDriver: { Name: "erofs", Data: {} },
  Mounts: [
    {
      Type: "bind",
      Name: "",
      Source: "/a",
      Destination: "/b",
      Driver: "",
      Mode: "",
      RW: true,
      Propagation: "rprivate",
    },
  ],
  Config: { Hostname: "tug", Tty: false, Env: ["A=b"], Cmd: ["sh"], Image: "busybox", Labels: {} },
  NetworkSettings: { Ports: { "80/tcp": null }, Networks: { bridge: { IPAddress: "172.17.0.2", IPPrefixLen: 16 } } },
};

const stats: ContainerStatsResponse = {
  name: "/tug",
  id: ID,
  read: DAY,
  preread: "0001-01-01T00:00:00Z",
  pids_stats: { current: 1, limit: 100 },
  cpu_stats: {
    cpu_usage: { total_usage: 1, percpu_usage: null, usage_in_kernelmode: 0, usage_in_usermode: 1 },
    system_cpu_usage: 10,
    online_cpus: 2,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  memory_stats: { usage: 1, limit: 2, stats: { anon: 1 } },
};

const image: ImageInspect = {
  Id: `sha256:${ID}`,
  RepoTags: ["busybox:latest"],
  RepoDigests: [],
  Parent: "",
  Comment: "",
  Created: DAY,
  DockerVersion: "",
  Author: "",
  Architecture: "amd64",
  Os: "linux",
  Size: 5,
  GraphDriver: { Name: "erofs", Data: {} },
  RootFS: { Type: "layers", Layers: [`sha256:${ID}`] },
  Metadata: { LastTagTime: DAY },
  Config: { Cmd: ["sh"], Env: [] },
};

const imageSummary: ImageSummary = {
  Id: `sha256:${ID}`,
  ParentId: "",
  RepoTags: ["busybox:latest"],
  RepoDigests: [],
  Created: 1,
  Size: 5,
  SharedSize: -1,
  Labels: {},
  Containers: -1,
};

const network: Network = {
  Name: "bridge",
  Id: ID,
  Created: DAY,
  Scope: "local",
  Driver: "bridge",
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: "default", Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }], Options: {} },
  Internal: false,
  Containers: {
    [ID]: {
      Name: "tug",
      EndpointID: ID,
      MacAddress: "02:42:ac:11:00:02",
      IPv4Address: "172.17.0.2/16",
      IPv6Address: "",
    },
  },
  Options: {},
  Labels: {},
};

const volume: Volume = {
  Name: "v",
  Driver: "local",
  Mountpoint: "/var/lib/hoy/volumes/v/_data",
  CreatedAt: DAY,
  Labels: {},
  Scope: "local",
  Options: {},
  UsageData: { Size: 1, RefCount: 0 },
};

const info: SystemInfo = {
  ID,
  Containers: 1,
  Images: 1,
  Driver: "erofs",
  DriverStatus: [["a", "b"]],
  CgroupDriver: "cgroupfs",
  CgroupVersion: "2",
  SystemTime: DAY,
  NCPU: 2,
  MemTotal: 1,
  Runtimes: { crun: { path: "crun", runtimeArgs: null, status: null } },
  DefaultRuntime: "crun",
  Swarm: {
    NodeID: "",
    NodeAddr: "",
    LocalNodeState: "inactive",
    ControlAvailable: false,
    Error: "",
    RemoteManagers: null,
  },
  RuncCommit: { ID: "" },
  SecurityOptions: ["name=seccomp,profile=builtin"],
  Warnings: [],
};

const version: SystemVersion = {
  Platform: { Name: "hoy" },
  Components: [{ Name: "Engine", Version: "0.1.0", Details: { ApiVersion: "1.51" } }],
  Version: "0.1.0",
  ApiVersion: "1.51",
  MinAPIVersion: "1.24",
  Os: "linux",
  Arch: "amd64",
};

const history: HistoryItem = { Id: `sha256:${ID}`, Created: 1, CreatedBy: "sh", Tags: null, Size: 0, Comment: "" };

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

const parts: FakeParts = {
  containers: {
    list: async () => [summary],
    inspect: async () => inspected,
    top: async () => ({ Titles: ["PID"], Processes: [["1"]] }),
    changes: async () => [{ Path: "/a", Kind: 1 }],
    stats: async () => once(stats),
    create: async () => ({ Id: ID, Warnings: [] }),
    wait: async () => ({ result: Promise.resolve({ StatusCode: 0 }) }),
    update: async () => ({ Warnings: [] }),
    prune: async () => ({ deleted: [], spaceReclaimed: 0 }),
    attach: async () => new EchoProcess(false),
  },
  exec: {
    create: async () => ({ Id: ID }),
    inspect: async () => ({
      CanRemove: false,
      DetachKeys: "",
      ID,
      Running: false,
      ExitCode: 0,
      ProcessConfig: { entrypoint: "true", arguments: [], privileged: false, tty: false, user: "" },
      OpenStdin: false,
      OpenStderr: true,
      OpenStdout: true,
      ContainerID: ID,
      Pid: 4,
    }),
  },
  images: {
    list: async () => [imageSummary],
    inspect: async () => image,
    history: async () => [history],
    remove: async () => [{ Untagged: "busybox:latest" }],
    prune: async () => ({ deleted: [], spaceReclaimed: 0 }),
    commit: async () => ({ Id: `sha256:${ID}` }),
  },
  networks: {
    list: async () => [network],
    inspect: async () => network,
    create: async () => ({ Id: ID, Warning: "" }),
    prune: async () => ({ deleted: [] }),
  },
  volumes: {
    list: async () => ({ Volumes: [volume], Warnings: [] }),
    inspect: async () => volume,
    create: async () => volume,
    prune: async () => ({ deleted: [], spaceReclaimed: 0 }),
  },
  system: {
    info: async () => info,
    version: async () => version,
    diskUsage: async () => ({ LayersSize: 1, Images: [imageSummary], Containers: [summary], Volumes: [volume] }),
    events: async () =>
      once({
        Type: "container" as const,
        Action: "start",
        Actor: { ID, Attributes: { image: "busybox" } },
        time: 1,
        timeNano: 1,
      }),
    auth: async () => ({ Status: "Login Succeeded", IdentityToken: "" }),
    buildPrune: async () => ({ deleted: [], spaceReclaimed: 0 }),
  },
};
