// How answers differ by the API version a client asked for: all the rules, each with the version in which Docker changed
// it (moby api/docs/CHANGELOG.md and its routers). The engine speaks the newest version only; requests of older
// clients are brought to it in versions-create.ts. Routes that merely look at a parameter since some version say so
// themselves with `call.atLeast`: platform 1.32/1.41/1.46/1.48/1.49, wait conditions 1.30, stop's signal 1.42,
// multiplexed streams 1.42, shared-size 1.42, df's type 1.42, one-shot 1.41, manifests 1.47/1.48, console size 1.42.

import type { DiskUsage } from "../backend.ts";
import type { ContainerInspectResponse, ContainerSummary } from "../types/container.ts";
import type { ImageInspect, ImageSummary } from "../types/image.ts";
import type { EndpointSettings, NetworkSettings } from "../types/network.ts";
import type { EventMessage, SystemInfo } from "../types/system.ts";
import { wholeConfig, wholeEndpoint, wholeHostConfig, wholeMount } from "./wire-members.ts";

/** The version that was asked for. */
export interface Asked {
  atLeast(version: string): boolean;
}

/** GET /containers/{id}/json. */
export function shapeContainer(found: ContainerInspectResponse, asked: Asked): object {
  const shaped: Record<string, unknown> = {
    ...found,
    HostConfig: wholeHostConfig(found.HostConfig ?? {}),
    Config: wholeConfig(found.Config ?? {}),
    Mounts: (found.Mounts ?? []).map(wholeMount),
  };
  if (!asked.atLeast("1.48")) delete shaped.ImageManifestDescriptor;
  const settings = found.NetworkSettings;
  if (settings !== undefined) {
    const networks = asked.atLeast("1.45") ? settings.Networks : withShortIds(found, settings.Networks ?? {});
    const whole = networks && { Networks: mapValues(networks, wholeEndpoint) };
    shaped.NetworkSettings = { ...settings, ...bridgeFields(settings), ...whole };
  }
  return shaped;
}

function mapValues<T>(values: Readonly<Record<string, T>>, change: (value: T) => object): Record<string, object> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

/** Until 1.51 the default bridge's endpoint was shown at the top of NetworkSettings too. */
function bridgeFields(settings: NetworkSettings): NetworkSettings {
  const bridge = settings.Networks?.bridge;
  return {
    EndpointID: bridge?.EndpointID ?? "",
    Gateway: bridge?.Gateway ?? "",
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? "",
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? "",
    MacAddress: bridge?.MacAddress ?? "",
  };
}

/** Before 1.45 the short id and the host name stood among the aliases on networks of users. */
function withShortIds(found: ContainerInspectResponse, networks: Record<string, EndpointSettings>) {
  const extra = [(found.Id ?? "").slice(0, 12), found.Config?.Hostname ?? ""].filter((each) => each !== "");
  const entries = Object.entries(networks).map(([name, endpoint]): [string, EndpointSettings] => {
    if (["bridge", "host", "none", "default"].includes(name)) return [name, endpoint];
    return [name, { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...extra])] }];
  });
  return Object.fromEntries(entries);
}

/** GET /containers/json, each. */
export function shapeSummary(found: ContainerSummary, asked: Asked): object {
  const shaped: Record<string, unknown> = {
    ...found,
    Mounts: (found.Mounts ?? []).map(wholeMount),
    NetworkSettings: { Networks: mapValues(found.NetworkSettings?.Networks ?? {}, wholeEndpoint) },
  };
  if (!asked.atLeast("1.48")) delete shaped.ImageManifestDescriptor;
  if (!asked.atLeast("1.46") && found.HostConfig !== undefined) {
    const { Annotations: _, ...host } = found.HostConfig;
    shaped.HostConfig = host;
  }
  return shaped;
}

/** Fields of an image's Config that Go left in even when empty. */
const CONFIG_1_50 = {
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: "",
  Volumes: null,
  WorkingDir: "",
};
const CONFIG_1_49 = {
  ...CONFIG_1_50,
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: "",
  Hostname: "",
  Image: "",
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
};

/** GET /images/{name}/json. */
export function shapeImage(found: ImageInspect, asked: Asked): object {
  const shaped: Record<string, unknown> = {
    ...found,
    RepoTags: found.RepoTags ?? [],
    RepoDigests: found.RepoDigests ?? [],
    Config: { ...(asked.atLeast("1.50") ? CONFIG_1_50 : CONFIG_1_49), ...found.Config },
  };
  if (!asked.atLeast("1.48")) {
    delete shaped.Descriptor;
    delete shaped.Manifests;
  }
  if (!asked.atLeast("1.45")) {
    shaped.Container = "";
    shaped.ContainerConfig = { ...CONFIG_1_49 };
  }
  if (!asked.atLeast("1.44")) {
    shaped.VirtualSize = found.Size;
    shaped.Created = found.Created || "0001-01-01T00:00:00Z";
  }
  return shaped;
}

/** GET /images/json, each. */
export function shapeImageSummary(found: ImageSummary, asked: Asked): object {
  const shaped: Record<string, unknown> = { ...found };
  const bare = (found.RepoTags ?? []).length === 0 && (found.RepoDigests ?? []).length === 0;
  if (!asked.atLeast("1.43") && bare) {
    shaped.RepoTags = ["<none>:<none>"];
    shaped.RepoDigests = ["<none>@<none>"];
  } else {
    shaped.RepoTags = found.RepoTags ?? [];
    shaped.RepoDigests = found.RepoDigests ?? [];
  }
  if (!asked.atLeast("1.51")) shaped.Containers = -1;
  if (!asked.atLeast("1.48")) delete shaped.Descriptor;
  if (!asked.atLeast("1.47")) delete shaped.Manifests;
  if (!asked.atLeast("1.44")) shaped.VirtualSize = found.Size;
  return shaped;
}

/** GET /info. */
export function shapeInfo(found: SystemInfo, asked: Asked): object {
  const shaped: Record<string, unknown> = { ...found };
  if (asked.atLeast("1.50")) {
    delete shaped.BridgeNfIptables;
    delete shaped.BridgeNfIp6tables;
  } else delete shaped.DiscoveredDevices;
  if (!asked.atLeast("1.49")) {
    delete shaped.FirewallBackend;
    for (const name of ["ContainerdCommit", "RuncCommit", "InitCommit"] as const) {
      const commit = found[name];
      if (commit !== undefined) shaped[name] = { ...commit, Expected: commit.ID };
    }
  }
  if (!asked.atLeast("1.47") && found.RegistryConfig !== undefined) {
    shaped.RegistryConfig = {
      ...found.RegistryConfig,
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    };
  }
  if (!asked.atLeast("1.46")) delete shaped.Containerd;
  if (!asked.atLeast("1.44") && found.Runtimes !== undefined) {
    const bare = Object.entries(found.Runtimes).map(([name, { status: _, ...runtime }]) => [name, runtime]);
    shaped.Runtimes = Object.fromEntries(bare);
  }
  return shaped;
}

/** GET /system/df. What was not asked for is left empty. */
export function shapeDiskUsage(found: Partial<DiskUsage>, asked: Asked): object {
  return {
    LayersSize: found.LayersSize ?? 0,
    Images: (found.Images ?? []).map((image) =>
      asked.atLeast("1.44") ? image : { ...image, VirtualSize: image.Size },
    ),
    Containers: found.Containers ?? [],
    Volumes: found.Volumes ?? [],
    BuildCache: found.BuildCache ?? [],
  };
}

/** One line of GET /events, or undefined when this version knows no such event. */
export function shapeEvent(event: EventMessage, asked: Asked): object | undefined {
  const { Type, Action, Actor } = event;
  if (Type === "image" && Action === "create" && !asked.atLeast("1.46")) return undefined;
  // Fields from before there was an Actor; clients still read them, and they went away only after 1.51.
  if (Type === "container") return { status: Action, id: Actor?.ID, from: Actor?.Attributes.image, ...event };
  if (Type === "image") return { status: Action, id: Actor?.ID, ...event };
  return event;
}
