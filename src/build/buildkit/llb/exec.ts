// Exec ops: a command with its mounts.

import { HoyError } from "../../../base/error.ts";
import type { ExecMount, ExecMountDetail, ExecOp } from "../../graph.ts";
import {
  CacheSharing,
  type Mount,
  MountType,
  NetMode,
  type ExecOp as PbExec,
  SecurityMode,
} from "../proto/gen/ops_pb.ts";
import { amount, missing, place } from "./values.ts";

export function execOp(exec: PbExec, inputs: number): ExecOp {
  const { meta } = exec;
  if (meta === undefined || meta.args.length === 0) throw new HoyError("invalid", "no command was given");
  if (exec.cdiDevices.length > 0) throw missing("CDI devices of a step");
  if (meta.validExitCodes.length > MAX_EXIT_CODES) throw new HoyError("invalid", "too many exit codes of a command");
  const mounts = exec.mounts.map((mount) => mountOf(mount, inputs));
  if (mounts.filter(({ target }) => target === "/").length !== 1) {
    throw new HoyError("invalid", "a command has one mount at /");
  }
  return {
    kind: "exec",
    args: meta.args,
    env: meta.env,
    cwd: meta.cwd === "" ? "/" : meta.cwd,
    user: meta.user,
    hostname: meta.hostname,
    network: networkOf(exec.network),
    insecure: exec.security === SecurityMode.SECURITY_INSECURE,
    extraHosts: meta.extraHosts.map(({ host, ip }) => ({ host, ip })),
    ulimits: meta.ulimit.map(({ name, soft, hard }) => ({
      name,
      soft: amount(soft, `the limit ${name}`),
      hard: amount(hard, `the limit ${name}`),
    })),
    shmSize: 0,
    cgroupParent: meta.cgroupParent,
    proxyEnv: proxies(meta.proxyEnv),
    secretEnv: exec.secretenv.map(({ id, name, optional }) => ({ id, name, optional })),
    mounts,
    // In one order: the same codes are the same step.
    ...(meta.validExitCodes.length === 0 ? {} : { validExitCodes: meta.validExitCodes.toSorted((a, b) => a - b) }),
  };
}

/** All that there are. */
const MAX_EXIT_CODES = 256;

function networkOf(mode: NetMode): ExecOp["network"] {
  if (mode === NetMode.NET_HOST) return "host";
  return mode === NetMode.NET_NONE ? "none" : "sandbox";
}

function proxies(env: NonNullable<PbExec["meta"]>["proxyEnv"]): string[] {
  if (env === undefined) return [];
  const pairs = [
    ["HTTP_PROXY", env.httpProxy],
    ["HTTPS_PROXY", env.httpsProxy],
    ["FTP_PROXY", env.ftpProxy],
    ["NO_PROXY", env.noProxy],
    ["ALL_PROXY", env.allProxy],
  ] as const;
  return pairs.flatMap(([name, value]) => (value === "" ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`]));
}

function mountOf(mount: Mount, inputs: number): ExecMount {
  const input = place(mount.input, "an input");
  if (input >= inputs) throw new HoyError("invalid", `a mount names input ${input} of ${inputs}`);
  return {
    input,
    selector: mount.selector,
    target: mount.dest,
    readonly: mount.readonly,
    // BuildKit's own client leaves the number of the first output in mounts that can't be one.
    output: mount.mountType === MountType.MOUNT_BIND ? place(mount.output, "an output") : -1,
    detail: detailOf(mount),
  };
}

function detailOf(mount: Mount): ExecMountDetail {
  switch (mount.mountType) {
    case MountType.MOUNT_BIND:
      return { type: "bind" };
    case MountType.MOUNT_TMPFS:
      return { type: "tmpfs", size: amount(mount.tmpfs?.size ?? 0n, "the size of a tmpfs") };
    case MountType.MOUNT_CACHE: {
      const { id = mount.dest, sharing = CacheSharing.SHARING_SHARED } = mount.cache ?? {};
      const how = { 0: "shared", 1: "private", 2: "locked" } as const;
      return { type: "cache", id, sharing: how[sharing as 0 | 1 | 2] ?? "shared", mode: 0o755, uid: 0, gid: 0 };
    }
    case MountType.MOUNT_SECRET: {
      if (mount.secret === undefined) throw new HoyError("invalid", "a secret without an id");
      const { id, optional, mode, uid, gid } = mount.secret;
      return { type: "secret", id, optional, mode, uid, gid };
    }
    case MountType.MOUNT_SSH: {
      const { id = "default", optional = false, mode = 0o600, uid = 0, gid = 0 } = mount.ssh ?? {};
      return { type: "ssh", id, optional, mode, uid, gid };
    }
    default:
      throw new HoyError("invalid", "a mount of unknown kind");
  }
}
