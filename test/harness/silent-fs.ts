// A file system whose other end says nothing: whoever looks into it waits, until it is closed. In the place of a server that
// has taken a connection and is silent, on any kernel that has FUSE. Nobody but what is tested may look into it.

import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { MNT, MS, mount, unmount } from "../../src/linux/mount.ts";

export const silentFsMissing = existsSync("/dev/fuse") ? undefined : "this kernel has no FUSE";

/** Mounted at `path`, which is made. From `close` on, who waits and who comes is told that the other end is gone. */
export function silentFs(path: string): { close(): void } {
  mkdirSync(path);
  const fd = openSync("/dev/fuse", "r+");
  const options = { fd, rootmode: "40000", user_id: 0, group_id: 0 };
  const data = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  mount({ source: "silent", target: path, type: "fuse", flags: MS.NOSUID | MS.NODEV, data: data.join(",") });
  return {
    close: () => {
      closeSync(fd);
      unmount(path, MNT.DETACH | MNT.NOFOLLOW);
    },
  };
}
