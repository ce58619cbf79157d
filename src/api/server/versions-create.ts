// Bringing a create request of any version to what the newest one means (moby postContainersCreate). Defaults that
// changed are filled in, parameters a client's version did not know are dropped, and what it can't have meant is refused.

import { HoyError } from "../../base/error.ts";
import type { UpdateRequest } from "../backend.ts";
import type { HostConfig, Mount } from "../types/container.ts";
import type { EndpointSettings } from "../types/network.ts";
import type { CreateBody } from "./bodies/container.ts";
import type { Asked } from "./versions.ts";

export interface Created {
  readonly body: CreateBody & { HostConfig: HostConfig };
  readonly warnings: readonly string[];
}

/** @throws HoyError "invalid" in Docker's words. */
export function shapeCreate(given: CreateBody, asked: Asked): Created {
  const { Runtime, ...rest } = given;
  const host: HostConfig = { ...given.HostConfig };
  if (Runtime && !host.Runtime) host.Runtime = Runtime;
  const endpoints = { ...given.NetworkingConfig?.EndpointsConfig };
  const body = { ...rest, HostConfig: host, NetworkingConfig: { EndpointsConfig: endpoints } };
  const warnings: string[] = [];
  nameDefaultNetwork(host, endpoints);
  if (host.Mounts !== undefined) host.Mounts = host.Mounts.map((mount) => shapeMount(mount, asked));
  if (!asked.atLeast("1.40") && !host.IpcMode) host.IpcMode = "shareable";
  if (!asked.atLeast("1.42")) delete host.ConsoleSize;
  if (!asked.atLeast("1.43")) delete host.Annotations;
  if (!asked.atLeast("1.44")) {
    if (body.Healthcheck !== undefined) body.Healthcheck = { ...body.Healthcheck, StartInterval: 0 };
    const names = Object.keys(endpoints);
    if (names.length > 1) {
      throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(", ")}`);
    }
  }
  if (!asked.atLeast("1.48")) {
    for (const [name, endpoint] of Object.entries(endpoints)) endpoints[name] = { ...endpoint, GwPriority: 0 };
  }
  if (host.PidsLimit !== undefined && host.PidsLimit !== null && host.PidsLimit <= 0) delete host.PidsLimit;
  fillPortBindings(host);
  moveMacAddress(body, host, endpoints, asked, warnings);
  if (asked.atLeast("1.48") && host.VolumeDriver && (host.Mounts ?? []).some(isUndriven)) {
    warnings.push(
      "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
    );
  }
  return { body, warnings };
}

/** POST /containers/{id}/update. Any number below one means no limit, as it always has. */
export function shapeUpdate(given: UpdateRequest, asked: Asked): UpdateRequest {
  const update = { ...given };
  if (!asked.atLeast("1.40")) delete update.PidsLimit;
  if (typeof update.PidsLimit === "number" && update.PidsLimit <= 0) update.PidsLimit = 0;
  return update;
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}

/** "default" and "" are words for the bridge; only its name goes further. */
function nameDefaultNetwork(host: HostConfig, endpoints: Record<string, EndpointSettings>): void {
  if (host.NetworkMode !== undefined && host.NetworkMode !== "" && host.NetworkMode !== "default") return;
  host.NetworkMode = "bridge";
  const endpoint = endpoints.default;
  if (endpoint === undefined) return;
  delete endpoints.default;
  endpoints.bridge = endpoint;
}

function shapeMount(given: Mount, asked: Asked): Mount {
  const mount = { ...given };
  if (mount.BindOptions !== undefined) mount.BindOptions = { ...mount.BindOptions };
  if (asked.atLeast("1.42")) refuseStrayOptions(mount);
  else {
    if (mount.Type !== "volume") delete mount.VolumeOptions;
    if (mount.Type !== "tmpfs") delete mount.TmpfsOptions;
    delete mount.BindOptions?.CreateMountpoint;
  }
  if (!asked.atLeast("1.40")) delete mount.BindOptions?.NonRecursive;
  if (!asked.atLeast("1.44") && mount.Type === "bind") {
    if (mount.BindOptions?.ReadOnlyForceRecursive === true) {
      throw invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
    }
    // Before 1.44 every read-only mount was so at its top only.
    mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
  }
  if (!asked.atLeast("1.45") && mount.VolumeOptions?.Subpath) {
    throw invalid("VolumeOptions.Subpath needs API v1.45 or newer");
  }
  if (!asked.atLeast("1.48") && mount.Type === "image") throw invalid('Mount type "Image" needs API v1.48 or newer');
  return mount;
}

function refuseStrayOptions(mount: Mount): void {
  const stray = (name: "VolumeOptions" | "BindOptions" | "TmpfsOptions", type: string) => {
    if (mount[name] !== undefined && mount.Type !== type) {
      throw invalid(`${name} must not be specified on mount type ${JSON.stringify(mount.Type ?? "")}`);
    }
  };
  stray("VolumeOptions", "volume");
  stray("BindOptions", "bind");
  stray("TmpfsOptions", "tmpfs");
}

/** A published port without a binding is bound to a port of the engine's choice. */
function fillPortBindings(host: HostConfig): void {
  if (host.PortBindings === undefined) return;
  const filled = Object.entries(host.PortBindings).map(([port, bindings]) => [
    port,
    bindings === null || bindings.length === 0 ? [{}] : bindings,
  ]);
  host.PortBindings = Object.fromEntries(filled);
}

/** Since 1.44 a MAC address belongs to an endpoint; the container's own is moved to that of its main network. */
function moveMacAddress(
  body: CreateBody,
  host: HostConfig,
  endpoints: Record<string, EndpointSettings>,
  asked: Asked,
  warnings: string[],
): void {
  const mac = body.MacAddress ?? "";
  const mode = host.NetworkMode ?? "bridge";
  const attached = !["host", "none"].includes(mode) && !mode.startsWith("container:");
  delete body.MacAddress;
  if (!asked.atLeast("1.44")) {
    for (const [name, endpoint] of Object.entries(endpoints)) {
      const { MacAddress: _, ...rest } = endpoint;
      endpoints[name] = rest;
    }
    if (mac !== "" && !attached) throw invalid("conflicting options: mac-address and the network mode");
  } else if (mac !== "") {
    warnings.push(
      "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
    );
  }
  if (mac === "" || !attached) return;
  const endpoint = endpoints[mode] ?? {};
  if (endpoint.MacAddress && endpoint.MacAddress !== mac) {
    throw invalid(
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  }
  endpoints[mode] = { ...endpoint, MacAddress: mac };
}

function isUndriven(mount: Mount): boolean {
  return mount.Type === "volume" && !mount.VolumeOptions?.DriverConfig?.Name;
}
