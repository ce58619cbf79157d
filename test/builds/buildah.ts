// Debian's buildah beside a test, with storage of its own, so that nothing of the machine's is touched.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type Built, fieldsOf } from "./built.ts";
import { listTar } from "./trees.ts";

export interface Buildah {
  /** `buildah …` that must go well; its output. */
  (...args: string[]): Promise<string>;
  /** The image and its tree that this context makes; its base images must have been pulled. */
  build(where: string, flags: readonly string[]): Promise<Built>;
}

/** @param driver overlay is faster with large images, vfs needs nothing of the kernel. */
export function buildahIn(store: string, driver: "vfs" | "overlay"): Buildah {
  // Cache mounts are kept below TMPDIR, not in the storage.
  const temporary = join(store, "tmp");
  mkdirSync(temporary, { recursive: true });
  const own = ["--root", join(store, "root"), "--runroot", join(store, "run"), "--storage-driver", driver];
  const call = async (...args: string[]): Promise<string> => {
    const options = { env: { TMPDIR: temporary }, patience: 600_000 };
    const { code, stdout, stderr } = await command(["buildah", ...own, ...args], options);
    if (code !== 0) throw new Error(`buildah ${args[0]}: ${stderr}${stdout}`);
    return stdout.trim();
  };
  return Object.assign(call, {
    async build(where: string, flags: readonly string[]): Promise<Built> {
      const [tag, tar] = [unique("shape"), join(store, unique("tree"))];
      const how = ["-q", "--isolation", "chroot", "--pull-never", "--format", "docker"];
      await call("bud", ...how, ...flags, "-t", tag, where);
      const info = JSON.parse(await call("inspect", "--type", "image", tag));
      const container = await call("from", "--pull-never", tag);
      const mounted = await call("mount", container);
      const pack = ["tar", "-C", mounted, "--numeric-owner", "--xattrs", "--format=pax", "-cf", tar, "."];
      const packed = await command(pack, { patience: 300_000 });
      if (packed.code !== 0) throw new Error(packed.stderr);
      await call("rm", container);
      const { "io.buildah.version": _, ...Labels } = info.Docker.config.Labels ?? {};
      return { config: fieldsOf({ ...info.Docker.config, Labels }), files: await listTar(tar) };
    },
  });
}
