// What every verb of the engine has at hand. Made once by openEngine; verbs are functions that take it first.

import type { ExecCreateRequest } from "../api/types/exec.ts";
import type { EngineSettings } from "../base/settings.ts";
import type { NetworkManager } from "../network/contract.ts";
import type { ContainerRuntime, ExecHandle, OciRuntime, Shim } from "../runtime/contract.ts";
import type { HostFacts } from "../runtime/spec/facts.ts";
import type { SpecDefaults } from "../runtime/spec/input.ts";
import type { SnapshotDriver } from "../storage/snapshot.ts";
import type { Container } from "./containers/container.ts";
import type { Containers } from "./containers/containers.ts";
import type { EventBus } from "./events/bus.ts";
import type { Exec } from "./exec/exec.ts";
import type { IdRanges } from "./id-ranges.ts";
import type { ImageStore } from "./images/contract.ts";
import type { VolumeStore } from "./volumes/store.ts";

export interface EngineContext {
  /** As they are now: a reload changes some. */
  readonly settings: EngineSettings;
  /** Of this data root, for info and events. */
  readonly id: string;
  readonly facts: HostFacts;
  readonly specDefaults: SpecDefaults;
  readonly containers: Containers;
  readonly events: EventBus;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly network: NetworkManager;
  /** For events, which name a network's driver. */
  readonly networkNamed: (name: string) => { readonly id: string; readonly driver: string } | undefined;
  readonly runtime: ContainerRuntime;
  readonly snapshots: SnapshotDriver;
  readonly idRanges: IdRanges;
  /** @throws HoyError "invalid" `unknown or invalid runtime name: x`. */
  readonly ociRuntime: (name: string | null | undefined) => OciRuntime;
  /** Starts a container whose lock is held: the way back from the restart policy's timer to start.ts. */
  readonly startLocked: (container: Container) => Promise<void>;
  /** Runs a health check's command: the way to exec/, which knows containers. */
  readonly runExec: (
    container: Container,
    shim: Shim,
    exec: Exec,
    attached: Pick<ExecCreateRequest, "AttachStdin" | "AttachStdout" | "AttachStderr"> | undefined,
  ) => Promise<ExecHandle>;
  /** What a former engine's execs are in a container that runs on. */
  readonly retakeExecs: (container: Container, shim: Shim) => Promise<void>;
  /** A removed container's execs are on their way out of memory. */
  readonly forgetExecs: (container: Container) => void;
  /** Fires when the engine closes: no restart policy acts from then on. */
  readonly closing: AbortSignal;
}
