// From a container's record to what its OCI spec is made from: mounts resolved, the user looked up in the container's
// own files, the namespaces of other containers found.

import { mkdirSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import type { Reservation } from "../../network/contract.ts";
import { cgroupPath } from "../../runtime/cgroups/path.ts";
import type {
  NetworkNamespace,
  Propagation,
  ResolvedMount,
  SpecInput,
  SpecNamespaces,
} from "../../runtime/spec/input.ts";
import { containerOf } from "../../runtime/spec/namespaces.ts";
import { sharedMemoryPath } from "../../runtime/spec/shm.ts";
import { MAX_ACCOUNT_FILE } from "../../runtime/userns/passwd.ts";
import { type ResolvedUser, resolveUser } from "../../runtime/userns/user.ts";
import type { ContainerSpec, MountRecord } from "../../state/containers.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { writeContainerFiles } from "./files.ts";
import { LayeredRoot } from "./layered-root.ts";
import { linkEnvironment } from "./links.ts";
import { joinable, namespaceOwners } from "./namespaces.ts";
import { stageSubpath } from "./subpath.ts";

/** @param network the namespace to join, when it is known already (made by the shim, or another container's) */
export async function specInput(
  engine: EngineContext,
  container: Container,
  lowers: readonly string[],
  reservation: Reservation,
): Promise<SpecInput> {
  const { spec, paths } = container;
  const size = spec.hostConfig.ConsoleSize ?? [];
  const [height = 0, width = 0] = size;
  return {
    id: spec.id,
    bundle: paths.bundle,
    // The container's own variables come last: they win.
    config: { ...spec.config, Env: [...linkEnvironment(spec, engine.containers), ...(spec.config.Env ?? [])] },
    hostConfig: spec.hostConfig,
    user: await containerUser(container, lowers, spec.config.User ?? ""),
    mounts: await resolveMounts(engine, spec),
    files: writeContainerFiles(container, reservation),
    idMap: spec.idMap,
    namespaces: namespacesFor(engine, container, reservation),
    shmPath: sharedMemory(engine, container),
    deviceDirectory: join(paths.root, "devices"),
    cgroupPath: cgroupPath(spec.id, spec.hostConfig.CgroupParent || engine.settings.cgroupParent),
    facts: engine.facts,
    defaults: engine.specDefaults,
    ...(height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
  };
}

/** Looks a user up in /etc/passwd and /etc/group as the container has them now. @throws HoyError "invalid". */
export async function containerUser(
  container: Container,
  lowers: readonly string[],
  user: string,
): Promise<ResolvedUser> {
  using root = new LayeredRoot([container.paths.upper, ...lowers]);
  return await resolveUser({
    user,
    groupAdd: container.spec.hostConfig.GroupAdd ?? [],
    readFile: async (path) => root.readText(path, MAX_ACCOUNT_FILE),
  });
}

async function resolveMounts({ settings }: EngineContext, { id, mounts }: ContainerSpec): Promise<ResolvedMount[]> {
  const resolved: ResolvedMount[] = [];
  for (const [index, mount] of mounts.entries()) {
    // The runtime adds those of HostConfig itself.
    if (mount.type === "tmpfs") continue;
    if (mount.type === "bind") await ensureBindSource(mount);
    resolved.push({
      type: "bind",
      source: mount.subpath === "" ? mount.source : stageSubpath(settings.paths, id, index, mount),
      destination: mount.destination,
      writable: mount.rw,
      recursive: mount.recursive,
      readOnlyBelow: mount.readOnlyBelow,
      ...(mount.propagation === "" ? {} : { propagation: mount.propagation as Propagation }),
    });
  }
  return resolved;
}

/** `-v` makes a missing source, as a directory of root's; everything else must be there. */
async function ensureBindSource(mount: MountRecord): Promise<void> {
  try {
    await stat(mount.source);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) {
      throw new HoyError("invalid", `error while creating mount source path '${mount.source}': ${String(error)}`, {
        cause: error,
      });
    }
    if (!mount.createSource) {
      const why = `bind source path does not exist: ${mount.source}`;
      throw new HoyError("invalid", `invalid mount config for type "bind": ${why}`, { cause: error });
    }
    try {
      mkdirSync(mount.source, { recursive: true, mode: 0o755 });
    } catch (cause) {
      throw new HoyError("invalid", `error while creating mount source path '${mount.source}': ${String(cause)}`, {
        cause,
      });
    }
  }
}

function namespacesFor(engine: EngineContext, container: Container, reservation: Reservation): SpecNamespaces {
  const { hostConfig, idMap } = container.spec;
  const path = (mode: string | undefined, kind: "ipc" | "pid") => {
    const ref = containerOf(mode);
    return ref === undefined ? undefined : `/proc/${joinable(engine.containers.find(ref)).state.pid}/ns/${kind}`;
  };
  const [owner] = namespaceOwners(hostConfig, engine.containers);
  return {
    network: networkNamespace(engine, reservation, owner !== undefined),
    ipc: path(hostConfig.IpcMode, "ipc"),
    pid: path(hostConfig.PidMode, "pid"),
    user: owner === undefined || idMap === undefined ? undefined : `/proc/${joinable(owner).state.pid}/ns/user`,
  };
}

/** Its own that others may join, or that of the container whose ipc namespace it joins. */
function sharedMemory(engine: EngineContext, container: Container): string | undefined {
  const mode = container.spec.hostConfig.IpcMode;
  if (mode === "shareable") return sharedMemoryPath(container.paths.bundle);
  const ref = containerOf(mode);
  if (ref === undefined) return undefined;
  const other = joinable(engine.containers.find(ref));
  if (other.spec.hostConfig.IpcMode === "host") return "/dev/shm";
  if (other.spec.hostConfig.IpcMode === "shareable") return sharedMemoryPath(other.paths.bundle);
  const why = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)";
  throw new HoyError("invalid", `failed to join IPC namespace: can't join IPC of container ${other.id}: ${why}`);
}

/** @param joins the container is in another's user namespace, which does not own what the shim makes for this one */
function networkNamespace(engine: EngineContext, { namespace }: Reservation, joins: boolean): NetworkNamespace {
  switch (namespace.kind) {
    case "private":
      return { kind: "new" };
    case "host":
      return { kind: "host" };
    case "container": {
      const other = joinable(engine.containers.find(namespace.id));
      return { kind: "join", path: `/proc/${other.state.pid}/ns/net`, owned: true };
    }
    case "managed":
      // The shim makes it; its paths are put in once they are known (see start.ts).
      return { kind: "join", path: MANAGED_NETWORK, owned: !joins };
  }
}

/** Stands in the spec for the namespace that the shim will have made. */
export const MANAGED_NETWORK = "/proc/0/ns/net";
