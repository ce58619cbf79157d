// Where the engine keeps things. Data outlives the boot; what is under `run` ends with it.

import { join } from "node:path";

export interface Paths {
  /** Data root, /var/lib/hoy by default; mode 0711 (containers' users must pass through). */
  readonly data: string;
  /** Exec root, /run/hoy by default; mode 0711. */
  readonly run: string;
}

export const paths = {
  database: (p: Paths) => join(p.data, "hoy.db"),
  lock: (p: Paths) => join(p.data, "lock"),
  blobs: (p: Paths) => join(p.data, "blobs", "sha256"),
  layers: (p: Paths) => join(p.data, "layers", "sha256"),
  images: (p: Paths) => join(p.data, "images"),
  volumes: (p: Paths) => join(p.data, "volumes"),
  build: (p: Paths) => join(p.data, "build"),
  /** Half-made things; emptied at every start of the engine. On the data root's file system, so rename works. */
  temporary: (p: Paths) => join(p.data, "tmp"),
  /** What a container keeps: upper, work, log, hosts, exit status. */
  container: (p: Paths, id: string) => join(p.data, "containers", id),
  /** What a running container has: OCI bundle, shim socket, pid. */
  bundle: (p: Paths, id: string) => join(p.run, "containers", id),
  /** The shared, read-only mount of a chain of layers. */
  mount: (p: Paths, chainHex: string) => join(p.run, "images", chainHex),
  /** Where images are mounted for people who named no directory, one below it each; only root may pass. */
  imageViews: (p: Paths) => join(p.run, "image-mounts"),
};
