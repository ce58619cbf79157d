// File systems of a test's own, in files, mounted by the kernel: for what the machine's own may not have. Whoever mounts
// one under a daemon's directory takes it away before the daemon is closed.

import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { command } from "./command.ts";

export interface Disk {
  readonly path: string;
  unmount(): Promise<void>;
}

/**
 * Makes a file system by `mkfs` (a program and its options; the file's name is put last) and mounts it at `path`.
 * @returns why it could not be, in a few words, in place of the disk: the program or the kernel lacks something
 */
export async function mountDisk(
  path: string,
  { mkfs, options, size }: { readonly mkfs: readonly string[]; readonly options: string; readonly size: number },
): Promise<Disk | string> {
  const [program = ""] = mkfs;
  if (Bun.which(program) === null) return `no ${program} on PATH`;
  const file = `${path}.img`;
  writeFileSync(file, "");
  truncateSync(file, size);
  mkdirSync(path, { recursive: true });
  const made = await command([...mkfs, file]);
  if (made.code !== 0) throw new Error(`${program}: ${made.stderr}`);
  const mounted = await command(["mount", "-o", `loop,${options}`, file, path]);
  if (mounted.code !== 0) {
    rmSync(file);
    return `this kernel can't mount what ${program} made with ${options}`;
  }
  return {
    path,
    unmount: async () => {
      const gone = await command(["umount", path]);
      if (gone.code !== 0) throw new Error(gone.stderr);
      rmSync(file);
    },
  };
}
