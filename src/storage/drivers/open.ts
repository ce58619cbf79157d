// Which snapshot driver runs: asked of the kernel by one real mount, once, unless the settings name one.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { SystemError } from "../../linux/libc.ts";
import { FsContext } from "../../linux/mount.ts";
import { OwnedFd } from "../../linux/open.ts";
import { buildImage } from "../erofs/image.ts";
import { mergeLayers } from "../layer/merge.ts";
import type { SnapshotDriver } from "../snapshot.ts";
import { ErofsDriver } from "./erofs.ts";
import { makeDirectory } from "./files.ts";
import { OverlayDriver } from "./overlay.ts";

export type DriverName = SnapshotDriver["name"];

/** Names by which settings know them; Docker's name for the second is taken too. */
export function parseDriverName(name: string): DriverName {
  if (name === "erofs") return "erofs";
  if (name === "overlay" || name === "overlay2") return "overlay";
  throw new HoyError("invalid", `unknown storage driver: ${name}`, { hint: 'Use "erofs" or "overlay".' });
}

/**
 * "erofs" when this kernel mounts EROFS from plain files in `scratch`, else "overlay", with the kernel's reason. Must be
 * asked where the layers are to be: files of tmpfs and of overlay can't be mounted, whatever the kernel.
 */
export async function probeDriver(scratch: string): Promise<{ driver: DriverName; reason: string | undefined }> {
  const directory = await mkdtemp(join(scratch, "snapshot-probe-"));
  try {
    const image = join(directory, "probe.erofs");
    await writeFile(image, await buildImage(mergeLayers([]), [], { uuid: new Uint8Array(16) }));
    using context = new FsContext("erofs");
    context.setPath("source", image);
    context.flag("ro");
    using mounted = new OwnedFd(context.mount());
    return { driver: mounted.fd >= 0 ? "erofs" : "overlay", reason: undefined };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { driver: "overlay", reason: error.message };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface OpenDriverOptions {
  readonly paths: Paths;
  /** From the settings; undefined: what the kernel can. */
  readonly prefer?: DriverName | undefined;
}

/** @throws HoyError "invalid" when the settings ask for what this kernel can't do. */
export async function openSnapshotDriver(options: OpenDriverOptions): Promise<SnapshotDriver> {
  if (options.prefer === "overlay") return OverlayDriver.open(options.paths);
  const scratch = paths.temporary(options.paths);
  await makeDirectory(scratch, 0o700);
  const { driver, reason } = await probeDriver(scratch);
  if (driver === "erofs") return ErofsDriver.open(options.paths);
  if (options.prefer === undefined) return OverlayDriver.open(options.paths);
  throw new HoyError("invalid", `storage driver erofs does not work here: ${reason ?? "unknown"}`, {
    hint: 'It needs Linux 6.12 or later with CONFIG_EROFS_FS_BACKED_BY_FILE, and a disk file system; "overlay" works everywhere.',
  });
}
