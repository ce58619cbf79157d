// The OCI spec of a container (config.md): puts together what the files beside this one make of each part of Docker's
// ContainerConfig and HostConfig.

import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { OciCapabilities, OciLinux, OciProcess, OciSpec } from "../oci.ts";
import { seccompFor } from "../seccomp/seccomp.ts";
import { containerCapabilities } from "./capabilities.ts";
import { devicesOf } from "./devices.ts";
import { availableCapabilities } from "./facts.ts";
import type { BuiltSpec, ResolvedMount, SpecInput } from "./input.ts";
import { mountsOf } from "./mounts.ts";
import { idMappings, isHost, namespacesOf } from "./namespaces.ts";
import { argsOf, environmentOf, INIT_PATH, limitsOf, wantsInit } from "./process.ts";
import { resourcesOf } from "./resources.ts";
import { apparmorProfileOf, parseSecurityOptions, type SecurityOptions } from "./security.ts";
import { checkSysctls, sysctlsOf } from "./sysctls.ts";
import { maskedPaths, READONLY_PATHS } from "./system-paths.ts";

/**
 * @throws HoyError "invalid" for what the host or the kernel has not got (a device, a profile, a capability), with
 * Docker's words. Nothing is made: the caller stages the binds (`prepareBundle`).
 */
export function buildSpec(input: SpecInput): BuiltSpec {
  const { config, hostConfig } = input;
  checkSysctls(hostConfig);
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const capabilities = containerCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged === true,
    available: availableCapabilities(input.facts, input.idMap !== undefined),
  });
  const limits = limitsOf(input);
  const devices = devicesOf(hostConfig);
  const bound = input.idMap !== undefined && input.deviceDirectory !== undefined;
  const mounts = mountsOf(input, devices.devices, initMount(input));
  const hostname = isHost(hostConfig.UTSMode) ? "" : (config.Hostname ?? "");
  const spec: OciSpec = {
    ociVersion: "1.0.2",
    process: processOf(input, security, capabilities, limits.rlimits),
    root: { path: join(input.bundle, "rootfs"), readonly: hostConfig.ReadonlyRootfs === true },
    ...(hostname !== "" && { hostname }),
    // Written by the runtime in the container's own user namespace, where the sysctl belongs to the host.
    ...(config.Domainname && input.idMap && !isHost(hostConfig.UTSMode) && { domainname: config.Domainname }),
    mounts: [...mounts.mounts],
    ...(hostConfig.Annotations && { annotations: hostConfig.Annotations }),
    linux: {
      ...linuxOf(input, security, capabilities),
      devices: bound ? [] : [...devices.devices],
      resources: { ...resourcesOf(hostConfig), devices: [...devices.rules] },
      ...(mounts.rootfsPropagation !== undefined && { rootfsPropagation: mounts.rootfsPropagation }),
    },
  };
  return { spec, binds: mounts.binds, warnings: [...limits.warnings, ...mounts.warnings] };
}

function initMount(input: SpecInput): ResolvedMount[] {
  if (!wantsInit(input)) return [];
  const { initPath } = input.defaults;
  if (initPath === undefined) {
    throw new HoyError("invalid", 'exec: "docker-init": executable file not found in $PATH', {
      hint: "install catatonit or tini, or set init-path",
    });
  }
  // Without the id map: it is only read, and where the host's root can't be idmapped (an overlay, NFS), --init still works.
  return [{ type: "bind", source: initPath, destination: INIT_PATH, writable: false, idmap: false }];
}

function processOf(
  input: SpecInput,
  security: SecurityOptions,
  capabilities: readonly string[],
  rlimits: NonNullable<OciProcess["rlimits"]>,
): OciProcess {
  const { config, hostConfig, user } = input;
  const terminal = config.Tty === true;
  return {
    terminal,
    ...(terminal && input.consoleSize && { consoleSize: { ...input.consoleSize } }),
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: argsOf(input),
    env: environmentOf(config, user.home),
    cwd: config.WorkingDir || "/",
    capabilities: capabilitySets(capabilities, user.uid),
    rlimits,
    noNewPrivileges: security.noNewPrivileges ?? input.defaults.noNewPrivileges,
    ...apparmor(input, security),
    ...(hostConfig.OomScoreAdj !== undefined && { oomScoreAdj: hostConfig.OomScoreAdj }),
  };
}

/** Inheritable and ambient stay empty, as Docker's do; the runtime clears permitted for a user that is not root. */
export function capabilitySets(names: readonly string[], uid: number): OciCapabilities {
  const held = uid === 0 ? [...names] : [];
  return { bounding: [...names], effective: held, permitted: held, inheritable: [], ambient: [] };
}

function apparmor({ facts, hostConfig }: SpecInput, security: SecurityOptions): Pick<OciProcess, "apparmorProfile"> {
  const profile = apparmorProfileOf(hostConfig, security, facts);
  return profile === undefined ? {} : { apparmorProfile: profile };
}

function linuxOf(input: SpecInput, security: SecurityOptions, capabilities: readonly string[]): OciLinux {
  const { hostConfig } = input;
  const open = hostConfig.Privileged === true || security.systemPathsUnconfined;
  const seccomp = seccompFor({
    profile: security.seccomp ?? (hostConfig.Privileged === true ? "unconfined" : input.defaults.seccompProfile),
    capabilities,
    architecture: input.facts.architecture,
    kernel: input.facts.kernel,
    supported: input.facts.seccomp,
  });
  return {
    namespaces: namespacesOf(input),
    ...idMappings(input),
    cgroupsPath: input.cgroupPath,
    ...(seccomp && { seccomp }),
    sysctl: sysctlsOf(input),
    maskedPaths: hostConfig.MaskedPaths ?? (open ? [] : maskedPaths(input.facts.cpus)),
    readonlyPaths: hostConfig.ReadonlyPaths ?? (open ? [] : [...READONLY_PATHS]),
  };
}
