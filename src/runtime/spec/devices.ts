// Devices of a container: --device with a node or a directory of nodes, all of the host's when privileged, and the
// rules of the devices cgroup. In a user namespace no node can be made (mknod(2): EPERM), so the OCI runtime gets them
// as bind mounts of nodes that the daemon makes in the bundle, owned by the container's own ids.

import { lstatSync, readdirSync, realpathSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { DeviceMapping, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { OciDevice, OciDeviceRule } from "../oci.ts";
import { splitDevice } from "./resources.ts";

export interface ContainerDevices {
  readonly devices: readonly OciDevice[];
  /** In order: later ones win. */
  readonly rules: readonly OciDeviceRule[];
}

/** Docker's default rules: nothing, but for the nodes every container has. */
const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: "rwm" },
  ...(
    [
      [1, 5], // zero
      [1, 3], // null
      [1, 9], // urandom
      [1, 8], // random
      [5, 0], // tty
      [5, 1], // console
    ] as const
  ).map(([major, minor]) => ({ allow: true, type: "c" as const, major, minor, access: "rwm" })),
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" }, // fuse
];

/** @throws HoyError "invalid" for a path that is no device, a bad rule; "not-implemented" for device requests */
export function devicesOf(config: HostConfig): ContainerDevices {
  refuseDeviceRequests(config);
  const mapped = (config.Devices ?? []).map(mappedDevices);
  if (config.Privileged === true) {
    const own = mapped.flatMap((one) => one.devices);
    const taken = new Set(own.map((device) => device.path));
    return {
      devices: [...hostDevices("/dev").filter((device) => !taken.has(device.path)), ...own],
      rules: [{ allow: true, access: "rwm" }],
    };
  }
  return {
    devices: mapped.flatMap((one) => one.devices),
    rules: [
      ...DEFAULT_RULES,
      ...mapped.flatMap((one) => one.rules),
      ...(config.DeviceCgroupRules ?? []).map(parseDeviceRule),
    ],
  };
}

function mappedDevices(mapping: DeviceMapping): ContainerDevices {
  const host = mapping.PathOnHost ?? "";
  const inside = mapping.PathInContainer || host;
  const access = mapping.CgroupPermissions || "rwm";
  const found = nodesAt(host, inside);
  if (found.length === 0) {
    const why = lookAt(host) === undefined ? `lstat ${host}: no such file or directory` : "not a device node";
    throw new HoyError(
      "invalid",
      `error gathering device information while adding custom device ${JSON.stringify(host)}: ${why}`,
    );
  }
  return {
    devices: found,
    rules: found.map(({ type, major, minor }) => ({
      allow: true,
      type: type === "b" ? "b" : "c",
      ...(major !== undefined && { major }),
      ...(minor !== undefined && { minor }),
      access,
    })),
  };
}

/** A node, or every node below a directory; links to either are followed once, at the top. */
function nodesAt(host: string, inside: string): OciDevice[] {
  if (lookAt(host) === undefined) return [];
  const real = realpathSync(host);
  const stat = lookAt(real);
  if (stat?.isDirectory()) return walk(real, inside, new Set(), 0);
  const node = stat && nodeOf(stat, inside);
  return node ? [node] : [];
}

const MAX_DEPTH = 16;

function walk(folder: string, inside: string, skip: ReadonlySet<string>, depth: number): OciDevice[] {
  if (depth > MAX_DEPTH) return [];
  return readdirSync(folder).flatMap((name) => {
    if (depth === 0 && skip.has(name)) return [];
    const path = join(folder, name);
    const stat = lookAt(path);
    if (stat?.isDirectory()) return walk(path, join(inside, name), skip, depth + 1);
    const node = stat && nodeOf(stat, join(inside, name));
    return node ? [node] : [];
  });
}

/** What a privileged container has of the host's /dev; its own pts, shm, mqueue, console stay its own. */
const NOT_SHARED = new Set(["pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"]);

function hostDevices(root: string): OciDevice[] {
  return walk(root, root, NOT_SHARED, 0);
}

function nodeOf(stat: Stats, path: string): OciDevice | undefined {
  const type = stat.isCharacterDevice() ? "c" : stat.isBlockDevice() ? "b" : stat.isFIFO() ? "p" : undefined;
  if (type === undefined) return undefined;
  const numbers = type === "p" ? {} : splitDevice(stat.rdev);
  return { type, path, ...numbers, fileMode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
}

/** undefined when it is not there (or no longer: nodes come and go). */
function lookAt(path: string): Stats | undefined {
  return path === "" ? undefined : lstatSync(path, { throwIfNoEntry: false });
}

/** `c 10:* rwm`. @throws HoyError "invalid" with moby's words */
export function parseDeviceRule(text: string): OciDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  const [, type, major = "", minor = "", access = ""] = match ?? [];
  if (type !== "a" && type !== "b" && type !== "c") {
    throw new HoyError("invalid", `invalid device cgroup rule format: '${text}'`);
  }
  return {
    allow: true,
    type,
    major: ruleNumber("major", major, text),
    minor: ruleNumber("minor", minor, text),
    access,
  };
}

function ruleNumber(what: string, digits: string, rule: string): number {
  if (digits === "*") return -1;
  const value = Number(digits);
  if (value < 2 ** 32) return value;
  throw new HoyError("invalid", `invalid ${what} value in device cgroup rule format: '${rule}'`);
}

/** GPUs and CDI devices: no driver for any of them is here. The text is what Docker says without one. */
export function refuseDeviceRequests(config: HostConfig): void {
  const [request] = config.DeviceRequests ?? [];
  if (request === undefined) return;
  const capabilities = (request.Capabilities ?? []).map((list) => `[${list.join(" ")}]`).join(" ");
  throw new HoyError(
    "invalid",
    `could not select device driver ${JSON.stringify(request.Driver ?? "")} with capabilities: [${capabilities}]`,
    { hint: "pass the device nodes with --device" },
  );
}
