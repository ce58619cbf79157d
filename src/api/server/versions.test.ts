import { expect, test } from "bun:test";
import { compareVersions } from "../version.ts";
import { shapeContainer, shapeEvent, shapeImage, shapeImageSummary, shapeInfo, shapeSummary } from "./versions.ts";
import { shapeCreate, shapeUpdate } from "./versions-create.ts";

const asked = (version: string) => ({ atLeast: (other: string) => compareVersions(version, other) >= 0 });

test("versions compare as numbers", () => {
  expect(compareVersions("1.9", "1.24")).toBeLessThan(0);
  expect(compareVersions("1.44", "1.44.0")).toBe(0);
  expect(compareVersions("2.0", "1.99")).toBeGreaterThan(0);
});

test("a container's endpoint on the bridge is at the top too; short ids were aliases before 1.45", () => {
  const found = {
    Id: "abcdef0123456789",
    Config: { Hostname: "h" },
    ImageManifestDescriptor: {},
    NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2" }, mine: { Aliases: ["web"] } } },
  };
  expect(shapeContainer(found, asked("1.51"))).toMatchObject({
    NetworkSettings: { IPAddress: "172.17.0.2", Networks: { mine: { Aliases: ["web"] } } },
    ImageManifestDescriptor: {},
  });
  const old = shapeContainer(found, asked("1.44"));
  const aliases = ["web", "abcdef012345", "h"];
  expect(old).toMatchObject({ NetworkSettings: { Networks: { mine: { Aliases: aliases } } } });
  expect(old).not.toHaveProperty("ImageManifestDescriptor");
  expect(shapeSummary({ HostConfig: { NetworkMode: "x", Annotations: { a: "b" } } }, asked("1.45"))).toMatchObject({
    HostConfig: { NetworkMode: "x" },
  });
});

test("what was not asked for is there with Go's zero value, as docker-py and others read it unseen", () => {
  const Mounts = [
    { Type: "tmpfs", Name: "", Source: "", Destination: "/t", Driver: "", Mode: "", RW: true, Propagation: "" },
  ] as const;
  const endpoint = { IPAMConfig: {}, Links: [], Aliases: [], DriverOpts: {}, IPAddress: "1.2.3.4" };
  const found = { HostConfig: { Memory: 5 }, Mounts: [...Mounts], NetworkSettings: { Networks: { n: endpoint } } };
  const nulls = { IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null, IPAddress: "1.2.3.4" };
  const whole = shapeContainer(found, asked("1.51"));
  expect(whole).toMatchObject({
    HostConfig: { Memory: 5, CapAdd: null, Binds: null, PortBindings: {}, RestartPolicy: { Name: "" } },
    Config: { Entrypoint: null, Volumes: null, Tty: false, Labels: {} },
    NetworkSettings: { Networks: { n: nulls } },
  });
  const mount = { Type: "tmpfs", Source: "", Destination: "/t", Mode: "", RW: true, Propagation: "" };
  expect(whole).toHaveProperty("Mounts", [mount]);
});

test("images: VirtualSize before 1.44, <none> before 1.43, Containers since 1.51", () => {
  const image = {
    Id: "i",
    ParentId: "",
    RepoTags: [],
    RepoDigests: [],
    Created: 1,
    Size: 5,
    SharedSize: -1,
    Labels: {},
    Containers: 2,
  };
  expect(shapeImageSummary(image, asked("1.51"))).toMatchObject({ RepoTags: [], Containers: 2 });
  expect(shapeImageSummary(image, asked("1.51"))).not.toHaveProperty("VirtualSize");
  expect(shapeImageSummary(image, asked("1.42"))).toMatchObject({
    RepoTags: ["<none>:<none>"],
    RepoDigests: ["<none>@<none>"],
    VirtualSize: 5,
    Containers: -1,
  });
  const inspect = { Id: "i", Size: 5, Config: { Cmd: ["sh"] } };
  expect(shapeImage(inspect, asked("1.51"))).toMatchObject({
    RepoTags: [],
    Config: { Cmd: ["sh"], Env: null, User: "" },
  });
  expect(shapeImage(inspect, asked("1.51"))).not.toHaveProperty("Config.Hostname");
  expect(shapeImage(inspect, asked("1.43"))).toMatchObject({
    VirtualSize: 5,
    Created: "0001-01-01T00:00:00Z",
    Container: "",
    Config: { Hostname: "" },
  });
});

test("info: what came later is left out, what went is put in", () => {
  const info = {
    RuncCommit: { ID: "r" },
    FirewallBackend: { Driver: "nftables", Info: [] },
    Containerd: { Address: "", Namespaces: {} },
    Runtimes: { crun: { path: "crun", runtimeArgs: null, status: {} } },
  };
  const bridged = { BridgeNfIptables: true, BridgeNfIp6tables: false };
  expect(shapeInfo({ ...info, ...bridged }, asked("1.51"))).toEqual(info);
  expect(shapeInfo({ ...info, ...bridged }, asked("1.49"))).toMatchObject(bridged);
  const old = shapeInfo(info, asked("1.43"));
  expect(old).toMatchObject({ RuncCommit: { ID: "r", Expected: "r" } });
  for (const gone of ["FirewallBackend", "Containerd", "Runtimes.crun.status"]) expect(old).not.toHaveProperty(gone);
});

test("events carry the fields of old, and image create only since 1.46", () => {
  const actor = { ID: "x", Attributes: { image: "i" } };
  expect(shapeEvent({ Type: "container", Action: "start", Actor: actor }, asked("1.51"))).toMatchObject({
    status: "start",
    id: "x",
    from: "i",
  });
  expect(shapeEvent({ Type: "image", Action: "create", Actor: actor }, asked("1.45"))).toBeUndefined();
  expect(shapeEvent({ Type: "network", Action: "create" }, asked("1.24"))).toEqual({
    Type: "network",
    Action: "create",
  });
});

test("create: the default network has a name, ports have bindings, no limit is no limit", () => {
  const { body } = shapeCreate(
    {
      Image: "i",
      HostConfig: {
        NetworkMode: "default",
        PidsLimit: -1,
        PortBindings: { "80/tcp": [], "81/tcp": [{ HostPort: "1" }] },
      },
      NetworkingConfig: { EndpointsConfig: { default: { Aliases: ["a"] } } },
    },
    asked("1.51"),
  );
  expect(body.HostConfig.NetworkMode).toBe("bridge");
  expect(body.NetworkingConfig?.EndpointsConfig).toEqual({ bridge: { Aliases: ["a"] } });
  expect(body.HostConfig.PortBindings).toEqual({ "80/tcp": [{}], "81/tcp": [{ HostPort: "1" }] });
  expect(body.HostConfig.PidsLimit).toBeUndefined();
});

test("create: a MAC address goes to the endpoint of the main network", () => {
  const mac = "02:42:ac:11:00:02";
  const old = shapeCreate({ MacAddress: mac }, asked("1.43"));
  expect([old.body.NetworkingConfig?.EndpointsConfig, old.warnings]).toEqual([{ bridge: { MacAddress: mac } }, []]);
  const now = shapeCreate({ MacAddress: mac, HostConfig: { NetworkMode: "mine" } }, asked("1.51"));
  expect(now.body.NetworkingConfig?.EndpointsConfig).toEqual({ mine: { MacAddress: mac } });
  expect(now.warnings[0]).toContain("container-wide MacAddress field is now deprecated");
  const other = { EndpointsConfig: { bridge: { MacAddress: "02:42:ac:11:00:03" } } };
  expect(() => shapeCreate({ MacAddress: mac, NetworkingConfig: other }, asked("1.51"))).toThrow("must match");
  expect(() => shapeCreate({ MacAddress: mac, HostConfig: { NetworkMode: "host" } }, asked("1.43"))).toThrow(
    "conflicting options: mac-address and the network mode",
  );
});

test("create: what a version did not know is refused or dropped, as Docker does", () => {
  const mounts = (Mounts: object[]) => ({ HostConfig: { Mounts } });
  expect(() => shapeCreate(mounts([{ Type: "image" }]), asked("1.47"))).toThrow('Mount type "Image" needs API v1.48');
  expect(() => shapeCreate(mounts([{ Type: "bind", VolumeOptions: {} }]), asked("1.51"))).toThrow(
    'VolumeOptions must not be specified on mount type "bind"',
  );
  const old = shapeCreate(
    mounts([{ Type: "bind", VolumeOptions: {}, BindOptions: { CreateMountpoint: true } }]),
    asked("1.41"),
  );
  expect(old.body.HostConfig.Mounts).toEqual([{ Type: "bind", BindOptions: { ReadOnlyNonRecursive: true } }]);
  const two = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  expect(() => shapeCreate(two, asked("1.43"))).toThrow(
    "Container cannot be created with multiple network endpoints: a, b",
  );
  expect(shapeCreate(two, asked("1.44")).body.NetworkingConfig?.EndpointsConfig).toHaveProperty("b");
  expect(shapeCreate({}, asked("1.39")).body.HostConfig.IpcMode).toBe("shareable");
  expect(shapeUpdate({ PidsLimit: -5 }, asked("1.51"))).toEqual({ PidsLimit: 0 });
  expect(shapeUpdate({ PidsLimit: 5 }, asked("1.39"))).toEqual({});
});
