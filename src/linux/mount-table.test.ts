import { expect, test } from "bun:test";
import { AT } from "./at.ts";
import { isMountPoint, mountPointOf, mountPointsUnder, mountTypeAt, parseMountPoints } from "./mount-table.ts";
import { lstatat } from "./stat.ts";

test("mount points are read, also those with blanks in them", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    "37 35 0:5 / /a\\040b\\134c rw - tmpfs tmpfs rw",
    "",
  ].join("\n");
  expect(parseMountPoints(text)).toEqual(["/mnt2", "/a b\\c"]);
});

test("the kernel's own table", () => {
  expect(isMountPoint("/proc")).toBe(true);
  expect(isMountPoint("/proc/self")).toBe(false);
  expect(mountTypeAt("/proc")).toBe("proc");
  expect(mountTypeAt("/proc/self")).toBeUndefined();
  expect(mountPointsUnder("/")[0]).toBeDefined();
  expect(mountPointOf(lstatat(AT.FDCWD, "/proc").mountId)).toBe("/proc");
  expect(mountPointOf(0n)).toBeUndefined();
});
