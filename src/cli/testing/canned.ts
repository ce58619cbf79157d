// For tests: answers of an engine with a little of everything in it.

import type { ServerResponse } from "node:http";
import { type Answer, type Asked, fail } from "./fake-engine.ts";

const ID = "0123456789abcdef".repeat(4);
const OTHER = "fedcba9876543210".repeat(4);
const IMAGE = `sha256:${"aa11".repeat(16)}`;

const web = {
  Id: ID,
  Names: ["/web", "/other/alias"],
  Image: "docker.io/library/busybox:1.36",
  ImageID: IMAGE,
  Command: "sh -c 'while true; do echo hello; sleep 1; done'",
  Created: 1_700_000_000,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 9000, Type: "udp" },
    { PrivatePort: 9001, Type: "udp" },
    { IP: "127.0.0.1", PrivatePort: 5000, PublicPort: 5000, Type: "tcp" },
    { IP: "127.0.0.1", PrivatePort: 5001, PublicPort: 5001, Type: "tcp" },
  ],
  Labels: { "com.example.role": "front", a: "b<c>" },
  State: "running",
  Status: "Up 2 hours",
  HostConfig: { NetworkMode: "bridge" },
  NetworkSettings: { Networks: { bridge: {} } },
  Mounts: [
    {
      Type: "volume",
      Name: "a-rather-long-volume-name",
      Source: "/x",
      Destination: "/d",
      Driver: "local",
      Mode: "",
      RW: true,
      Propagation: "",
    },
    {
      Type: "bind",
      Name: "",
      Source: "/srv/data",
      Destination: "/e",
      Driver: "",
      Mode: "",
      RW: true,
      Propagation: "rprivate",
    },
  ],
  SizeRw: 1234567,
  SizeRootFs: 98765432,
};

const old = {
  ...web,
  Id: OTHER,
  Names: ["/old"],
  Image: `sha256:${"bb22".repeat(16)}`,
  ImageID: `sha256:${"bb22".repeat(16)}`,
  Command: "true",
  Ports: [],
  Labels: {},
  State: "exited",
  Status: "Exited (0) 3 days ago",
  Mounts: [],
  SizeRw: 0,
  SizeRootFs: 0,
};

const images = [
  {
    Id: IMAGE,
    ParentId: "",
    RepoTags: ["busybox:1.36"],
    RepoDigests: [`busybox@sha256:${"cc33".repeat(16)}`],
    Created: 1_690_000_000,
    Size: 4_261_550,
    SharedSize: -1,
    Labels: null,
    Containers: -1,
  },
  {
    Id: `sha256:${"dd44".repeat(16)}`,
    ParentId: "",
    RepoTags: [],
    RepoDigests: [],
    Created: 1_680_000_000,
    Size: 178_000_000,
    SharedSize: -1,
    Labels: {},
    Containers: -1,
  },
  {
    Id: `sha256:${"ee55".repeat(16)}`,
    ParentId: "",
    RepoTags: ["registry.example:5000/team/app:v1"],
    RepoDigests: [],
    Created: 1_600_000_000,
    Size: 999,
    SharedSize: -1,
    Labels: {},
    Containers: -1,
  },
];

const inspected = {
  Id: ID,
  Created: "2023-11-14T22:13:20.123456789Z",
  Path: "sh",
  Args: ["-c", "sleep 1"],
  State: {
    Status: "running",
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 4242,
    ExitCode: 0,
    Error: "",
    StartedAt: "2023-11-14T22:13:21Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Image: IMAGE,
  ResolvConfPath: "/r",
  HostnamePath: "/h",
  HostsPath: "/hosts",
  LogPath: "/log",
  Name: "/web",
  RestartCount: 0,
  Driver: "erofs",
  Platform: "linux",
  MountLabel: "",
  ProcessLabel: "",
  AppArmorProfile: "",
  ExecIDs: null,
  HostConfig: {
    Binds: ["/srv/data:/e"],
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: {} },
    Memory: 67_108_864,
    NanoCpus: 1_500_000_000,
  },
  GraphDriver: { Data: {}, Name: "erofs" },
  Mounts: [web.Mounts[0]],
  Config: {
    Hostname: "0123456789ab",
    Domainname: "",
    User: "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: ["PATH=/bin", "A=<b>&"],
    Cmd: ["sh", "-c", "sleep 1"],
    Image: "busybox",
    Volumes: null,
    WorkingDir: "",
    Entrypoint: null,
    OnBuild: null,
    Labels: { "com.example.role": "front" },
  },
  NetworkSettings: {
    Bridge: "",
    SandboxID: "s",
    SandboxKey: "/k",
    Ports: {
      "80/tcp": [
        { HostIp: "0.0.0.0", HostPort: "8080" },
        { HostIp: "::", HostPort: "8080" },
      ],
    },
    Networks: {
      bridge: {
        IPAMConfig: null,
        Links: null,
        Aliases: null,
        MacAddress: "02:42:ac:11:00:02",
        NetworkID: "n",
        EndpointID: "e",
        Gateway: "172.17.0.1",
        IPAddress: "172.17.0.2",
        IPPrefixLen: 16,
        IPv6Gateway: "",
        GlobalIPv6Address: "",
        GlobalIPv6PrefixLen: 0,
        DriverOpts: null,
        DNSNames: null,
      },
    },
  },
};

const network = (name: string, id: string) => ({
  Name: name,
  Id: id,
  Created: "2023-11-14T22:13:20.1234Z",
  Scope: "local",
  Driver: "bridge",
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: "default", Options: null, Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: { x: "y" },
});

const volume = (name: string, used: object) => ({
  CreatedAt: "2023-11-14T22:13:20Z",
  Driver: "local",
  Labels: { k: "v" },
  Mountpoint: `/var/lib/hoy/volumes/${name}/_data`,
  Name: name,
  Options: null,
  Scope: "local",
  ...used,
});

const ndjson =
  (...values: object[]): Answer =>
  (_: Asked, response: ServerResponse) => {
    response.setHeader("Content-Type", "application/json");
    response.end(values.map((value) => `${JSON.stringify(value)}\r\n`).join(""));
  };

const status =
  (code: number): Answer =>
  (_: Asked, response: ServerResponse) =>
    response.writeHead(code).end();

const refuse =
  (code: number, message: string): Answer =>
  (_: Asked, response: ServerResponse) =>
    fail(response, code, message);

const frame = (stream: number, text: string) => {
  const body = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
};

const logs: Answer = (_: Asked, response: ServerResponse) => {
  response.setHeader("Content-Type", "application/vnd.docker.multiplexed-stream");
  response.end(Buffer.concat([frame(1, "out one\n"), frame(2, "err one\n"), frame(1, "out two\n")]));
};

const create: Answer = ({ body }: Asked, response: ServerResponse) => {
  const { Image } = JSON.parse(body) as { Image: string };
  if (Image === "missing-image") return fail(response, 404, "No such image: missing-image:latest");
  response
    .writeHead(201, { "Content-Type": "application/json" })
    .end(JSON.stringify({ Id: ID, Warnings: ["a warning"] }));
};

const pull: Answer = ({ query }: Asked, response: ServerResponse) => {
  if (query.fromImage?.includes("missing") === true)
    return fail(
      response,
      404,
      "pull access denied for missing-image, repository does not exist or may require 'docker login'",
    );
  response.setHeader("Content-Type", "application/json");
  const lines = [
    { status: "Pulling from library/busybox", id: "1.36" },
    { status: "Pulling fs layer", progressDetail: {}, id: "aaaabbbbcccc" },
    {
      status: "Downloading",
      progressDetail: { current: 1000, total: 5000 },
      progress: "[=> ] 1kB/5kB",
      id: "aaaabbbbcccc",
    },
    { status: "Pull complete", progressDetail: {}, id: "aaaabbbbcccc" },
    { status: "Digest: sha256:0123" },
    { status: "Status: Downloaded newer image for busybox:1.36" },
  ];
  response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
};

const NO_CONTAINER = refuse(404, "No such container: gone");

export const cannedAnswers: readonly (readonly [string, Answer])[] = [
  ["GET /containers/json", [web, old]],
  ["GET /containers/web/json", inspected],
  [`GET /containers/${ID}/json`, inspected],
  [
    "GET /containers/web/top",
    {
      Titles: ["PID", "USER", "COMMAND"],
      Processes: [
        ["1", "root", "sh -c x"],
        ["12345", "nobody", "sleep 1"],
      ],
    },
  ],
  [
    "GET /containers/web/changes",
    [
      { Path: "/etc", Kind: 0 },
      { Path: "/etc/new", Kind: 1 },
      { Path: "/bin/gone", Kind: 2 },
    ],
  ],
  ["GET /containers/web/logs", logs],
  [`GET /containers/${ID}/logs`, logs],
  ["POST /containers/web/wait", { StatusCode: 3 }],
  ["POST /containers/create", create],
  [`POST /containers/${ID}/start`, status(204)],
  [`POST /containers/${ID}/wait`, { StatusCode: 0 }],
  ["POST /containers/web/start", status(204)],
  ["POST /containers/web/stop", status(304)],
  ["POST /containers/web/restart", status(204)],
  ["POST /containers/web/kill", status(204)],
  ["POST /containers/web/pause", status(204)],
  ["POST /containers/web/unpause", status(204)],
  ["POST /containers/web/rename", status(204)],
  ["POST /containers/web/update", { Warnings: ["no swap"] }],
  ["DELETE /containers/web", status(204)],
  ["GET /containers/web/export", (_: Asked, response: ServerResponse) => response.end("tar bytes")],
  ["POST /containers/prune", { ContainersDeleted: [ID], SpaceReclaimed: 1_500_000 }],
  ["POST /containers/web/exec", { Id: "e1" }],
  ["POST /exec/e1/start", status(200)],
  ["GET /containers/gone*", NO_CONTAINER],
  ["POST /containers/gone*", NO_CONTAINER],
  ["DELETE /containers/gone*", NO_CONTAINER],
  ["GET /images/json", images],
  [
    "GET /images/busybox/json",
    {
      Id: IMAGE,
      RepoTags: ["busybox:1.36"],
      RepoDigests: [],
      Parent: "",
      Comment: "",
      Created: "2023-07-22T04:26:40Z",
      DockerVersion: "",
      Author: "",
      Config: { Cmd: ["sh"] },
      Architecture: "amd64",
      Os: "linux",
      Size: 4_261_550,
      GraphDriver: { Name: "erofs", Data: {} },
      RootFS: { Type: "layers", Layers: ["sha256:1"] },
      Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
    },
  ],
  [
    "GET /images/busybox/history",
    [
      {
        Id: IMAGE,
        Created: 1_690_000_000,
        CreatedBy: '/bin/sh -c #(nop)  CMD ["sh"] and more words to be cut off',
        Tags: ["busybox:1.36"],
        Size: 0,
        Comment: "",
      },
      { Id: "<missing>", Created: 1_690_000_000, CreatedBy: "ADD\tfile", Tags: null, Size: 4_261_550, Comment: "hi" },
    ],
  ],
  ["POST /images/busybox/tag", status(201)],
  ["DELETE /images/busybox", [{ Untagged: "busybox:1.36" }, { Deleted: IMAGE }]],
  ["DELETE /images/gone-image", refuse(404, "No such image: gone-image:latest")],
  ["POST /images/load", ndjson({ stream: "Loaded image: busybox:1.36\n" })],
  ["GET /images/get", (_: Asked, response: ServerResponse) => response.end("tar bytes")],
  ["POST /images/create", pull],
  [
    "POST /images/docker.io/library/busybox/push",
    ndjson(
      { status: "The push refers to repository [docker.io/library/busybox]" },
      { status: "Preparing", progressDetail: {}, id: "aaaa" },
      { status: "latest: digest: sha256:01 size: 5" },
      { aux: { Tag: "latest", Digest: "sha256:01", Size: 5 } },
    ),
  ],
  [
    "POST /images/prune",
    { ImagesDeleted: [{ Untagged: "busybox:1.36" }, { Deleted: IMAGE }], SpaceReclaimed: 4_261_550 },
  ],
  [
    "GET /images/search",
    [
      {
        name: "busybox",
        description: "Busybox base image. It is small and has a long description",
        star_count: 3000,
        is_official: true,
        is_automated: false,
      },
      { name: "me/busy", description: "", star_count: 0, is_official: false, is_automated: false },
    ],
  ],
  ["POST /commit", { Id: IMAGE }],
  [
    "GET /networks",
    [
      network("none", "n2".repeat(32)),
      network("bridge", "n1".repeat(32)),
      network("net10", "n3".repeat(32)),
      network("net9", "n4".repeat(32)),
    ],
  ],
  ["GET /networks/bridge", network("bridge", "n1".repeat(32))],
  ["POST /networks/create", { Id: "n9".repeat(32), Warning: "" }],
  ["DELETE /networks/mynet", status(204)],
  ["DELETE /networks/gone", refuse(404, "network gone not found")],
  ["POST /networks/mynet/connect", status(200)],
  ["POST /networks/mynet/disconnect", status(200)],
  ["POST /networks/prune", { NetworksDeleted: ["mynet"] }],
  ["GET /volumes", { Volumes: [volume("vol10", {}), volume("data", {}), volume("vol9", {})], Warnings: null }],
  ["GET /volumes/data", volume("data", {})],
  ["POST /volumes/create", volume("data", {})],
  ["DELETE /volumes/data", status(204)],
  ["DELETE /volumes/gone", refuse(404, "get gone: no such volume")],
  ["POST /volumes/prune", { VolumesDeleted: ["data"], SpaceReclaimed: 0 }],
  ["POST /build/prune", { CachesDeleted: ["c1"], SpaceReclaimed: 2048 }],
  [
    "GET /system/df",
    {
      LayersSize: 200_000_000,
      Images: images.map((image, at) => ({ ...image, Containers: at === 0 ? 1 : 0, SharedSize: 0 })),
      Containers: [web, old],
      Volumes: [
        volume("data", { UsageData: { Size: 5_000_000, RefCount: 1 } }),
        volume("idle", { UsageData: { Size: 1_000_000, RefCount: 0 } }),
      ],
      BuildCache: [
        {
          ID: "cache1cache1cache1",
          Parents: null,
          Type: "regular",
          Description: "d",
          InUse: false,
          Shared: false,
          Size: 4096,
          CreatedAt: "2023-11-14T22:13:20Z",
          LastUsedAt: "2023-11-15T22:13:20Z",
          UsageCount: 2,
        },
      ],
    },
  ],
  [
    "GET /info",
    {
      ID: "i",
      Containers: 2,
      ContainersRunning: 1,
      ContainersPaused: 0,
      ContainersStopped: 1,
      Images: 3,
      Driver: "erofs",
      ServerVersion: "1.0",
      NCPU: 2,
      OSType: "linux",
      MemTotal: 8_000_000_000,
    },
  ],
  [
    "GET /version",
    {
      Platform: { Name: "hoy" },
      Version: "1.0",
      ApiVersion: "1.51",
      MinAPIVersion: "1.24",
      GitCommit: "abc",
      GoVersion: "go",
      Os: "linux",
      Arch: "amd64",
      KernelVersion: "6",
      BuildTime: "2023-11-14T22:13:20Z",
      Components: [{ Name: "Engine", Version: "1.0", Details: { ApiVersion: "1.51" } }],
    },
  ],
  [
    "GET /events",
    ndjson(
      {
        status: "start",
        id: ID,
        from: "busybox",
        Type: "container",
        Action: "start",
        Actor: { ID, Attributes: { name: "web", image: "busybox" } },
        scope: "local",
        time: 1_700_000_000,
        timeNano: 1_700_000_000_123_456_800,
      },
      {
        Type: "network",
        Action: "connect",
        Actor: { ID: "n1", Attributes: {} },
        scope: "local",
        time: 1_700_000_001,
        timeNano: 1_700_000_001_000_000_000,
      },
    ),
  ],
  ["POST /auth", { Status: "Login Succeeded", IdentityToken: "" }],
];
