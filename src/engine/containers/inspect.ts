// GET /containers/{id}/json: every member that clients read, with Docker's names and nulls.

import type { ContainerInspectResponse, ContainerState, MountPoint } from "../../api/types/container.ts";
import { commandOf } from "../../runtime/spec/process.ts";
import { apparmorProfileOf, parseSecurityOptions } from "../../runtime/spec/security.ts";
import type { MountRecord } from "../../state/containers.ts";
import type { EngineContext } from "../context.ts";
import { treeSize } from "../volumes/tree-size.ts";
import type { Container } from "./container.ts";
import { shownLinks } from "./links.ts";
import { isActive } from "./machine.ts";
import { networkRequest } from "./network-request.ts";

export async function inspectContainer(
  engine: EngineContext,
  container: Container,
  options: { readonly size: boolean },
): Promise<ContainerInspectResponse> {
  const { spec, paths } = container;
  const [path = "", ...args] = commandOf(spec.config);
  const links = shownLinks(spec, engine.containers);
  const execs = [...container.execs.values()].filter((exec) => exec.running).map((exec) => exec.id);
  return {
    Id: spec.id,
    Created: spec.created,
    Path: path,
    Args: args,
    State: inspectState(container),
    Image: spec.image.id,
    ResolvConfPath: container.state.startedAt.startsWith("0001") ? "" : paths.resolvConf,
    HostnamePath: container.state.startedAt.startsWith("0001") ? "" : paths.hostname,
    HostsPath: container.state.startedAt.startsWith("0001") ? "" : paths.hosts,
    LogPath: spec.hostConfig.LogConfig?.Type === "json-file" ? paths.log : "",
    Name: `/${spec.name}`,
    RestartCount: container.state.restartCount,
    Driver: engine.snapshots.name,
    Platform: spec.image.os || "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile:
      apparmorProfileOf(spec.hostConfig, parseSecurityOptions(spec.hostConfig.SecurityOpt ?? []), engine.facts) ?? "",
    ExecIDs: execs.length === 0 ? null : execs,
    HostConfig: links.length === 0 ? spec.hostConfig : { ...spec.hostConfig, Links: links },
    GraphDriver: await graphDriver(engine, container),
    ...(options.size ? await sizes(engine, container) : {}),
    Mounts: spec.mounts.map(mountPoint),
    Config: spec.config,
    NetworkSettings: container.reservation?.settings ?? engine.network.describe(networkRequest(spec)),
  };
}

export function inspectState({ state }: Container): ContainerState {
  const { health } = state;
  return {
    Status: state.status,
    Running: isActive(state),
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: state.status === "dead",
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(health === undefined ? {} : { Health: health }),
  };
}

export function mountPoint(mount: MountRecord): MountPoint {
  return {
    Type: mount.type,
    Name: mount.name,
    Source: mount.source,
    Destination: mount.destination,
    Driver: mount.driver,
    Mode: mount.mode,
    RW: mount.rw,
    Propagation: mount.propagation,
  };
}

/** Bytes of what the container itself wrote, and of that together with its image. */
export async function sizes(
  engine: EngineContext,
  container: Container,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const SizeRw = await treeSize(container.paths.upper);
  return { SizeRw, SizeRootFs: SizeRw + (await imageSize(engine, container)) };
}

/** Also of an image that was removed while the container holds its layers. */
async function imageSize(engine: EngineContext, container: Container): Promise<number> {
  const layers = await Promise.all(
    container.spec.image.diffIds.map(
      async (diffId) => (await engine.snapshots.hasLayer(diffId as `sha256:${string}`))?.size,
    ),
  );
  return layers.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

async function graphDriver(engine: EngineContext, container: Container) {
  const lowers = await engine.images.lowersOf(container.id).catch(() => []);
  return {
    Name: engine.snapshots.name,
    Data: {
      ID: container.id,
      LowerDir: lowers.join(":"),
      MergedDir: `${container.paths.bundle}/rootfs`,
      UpperDir: container.paths.upper,
      WorkDir: container.paths.work,
    },
  };
}
