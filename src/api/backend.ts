// What the API server asks of the engine, verb by verb. The server knows HTTP and nothing else; the engine
// implements this and knows no HTTP. Every call may throw HoyError; long ones take an AbortSignal that fires when
// the client goes away. Containers are named by what the user typed: id, unique id prefix, or name.
//
// Streams: bytes flow as AsyncIterable<Uint8Array>; progress as AsyncIterable<ProgressMessage> (one NDJSON line each).

import type { BuildBackend } from "./backend/build.ts";
import type { ContainerBackend, ExecBackend } from "./backend/containers.ts";
import type { ImageBackend } from "./backend/images.ts";
import type { NetworkBackend, VolumeBackend } from "./backend/networks.ts";
import type { SystemBackend } from "./backend/system.ts";

export type * from "./backend/build.ts";
export type * from "./backend/common.ts";
export type * from "./backend/containers.ts";
export type * from "./backend/images.ts";
export type * from "./backend/networks.ts";
export type * from "./backend/system.ts";

export interface Backend {
  readonly containers: ContainerBackend;
  readonly exec: ExecBackend;
  readonly images: ImageBackend;
  readonly networks: NetworkBackend;
  readonly volumes: VolumeBackend;
  readonly system: SystemBackend;
  readonly build: BuildBackend;
}
