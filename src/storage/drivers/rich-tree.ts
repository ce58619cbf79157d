// A directory tree with one of everything that a layer may hold, for comparing what a driver shows with what tar makes.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AT, fchmodat, lchownat, makedev, mkdirat, mknodat, symlinkat, utimensat } from "../../linux/at.ts";
import { S } from "../../linux/stat.ts";
import { setXattr } from "../../linux/xattr.ts";

export function richTree(root: string): void {
  mkdirSync(root);
  const at = (name: string) => join(root, name);
  files(at);
  links(at);
  for (const [name, type, device] of [
    ["null", S.IFCHR, makedev(1, 3)],
    ["disk", S.IFBLK, makedev(259, 70000)],
    ["pipe", S.IFIFO, 0],
  ] as const) {
    mknodat(AT.FDCWD, at(name), type | 0o640, device);
    lchownat(AT.FDCWD, at(name), 10, 4294967294);
  }
  big(at("big"));
  sparse(at);
  attributes(at);
  for (const [name, time] of [
    ["empty", -1n],
    ["text", -123_456_789_123_456_789n],
    ["setuid", 1n],
    ["link", 4_102_444_800_999_999_999n],
    ["big", 1_234_567_890_000_000_001n],
  ] as const) {
    utimensat(AT.FDCWD, at(name), time, time);
  }
}

function files(at: (name: string) => string): void {
  writeFileSync(at("empty"), "");
  writeFileSync(at("text"), "some text\n");
  writeFileSync(at("block"), Buffer.alloc(512, 1));
  writeFileSync(at("block-and-one"), Buffer.alloc(513, 2));
  writeFileSync(at("page"), Buffer.alloc(4096, 3));
  writeFileSync(at("megabytes"), Buffer.from(Array.from({ length: 3_000_001 }, (_, n) => (n * 31) & 0xff)));
  writeFileSync(at("setuid"), "#!/bin/sh\n");
  lchownat(AT.FDCWD, at("setuid"), 1000, 100_000);
  fchmodat(AT.FDCWD, at("setuid"), 0o6755);
  writeFileSync(at("unreadable"), "x", { mode: 0 });
  mkdirSync(at("sticky"));
  fchmodat(AT.FDCWD, at("sticky"), 0o1777);
  writeFileSync(at("n".repeat(255)), "long");
  mkdirSync(join(at("d".repeat(200)), "e".repeat(200)), { recursive: true });
  writeFileSync(join(at("d".repeat(200)), "e".repeat(200), "f".repeat(200)), "deep");
  writeFileSync(at("ünïcödé \t'\"\\"), "text");
  mkdirat(AT.FDCWD, Buffer.from(at("\xff\xfe not utf-8 \x01"), "latin1"), 0o755);
}

function links(at: (name: string) => string): void {
  symlinkSync("text", at("link"));
  lchownat(AT.FDCWD, at("link"), 5, 6);
  symlinkSync("/absolute/and/gone", at("dangling"));
  // Around the sizes where a target no longer stands behind its inode.
  for (const length of [400, 440, 447, 448, 449, 479, 480, 481, 511, 512, 513, 1024, 4000]) {
    symlinkat("t".repeat(length), AT.FDCWD, at(`target-${length}`));
  }
  linkSync(at("text"), at("text-again"));
  linkSync(at("text"), join(at("sticky"), "text-elsewhere"));
  execFileSync("cp", ["-a", "--no-dereference", at("link"), at("link-1")]);
  linkSync(at("link-1"), at("link-2"));
}

/** Enough names for many blocks, of all lengths, in no order. */
function big(path: string): void {
  mkdirSync(path);
  for (let n = 0; n < 900; n++) {
    const name = `${((n * 7919) % 900).toString(36)}-${"x".repeat((n * 37) % 240)}`;
    if (n % 9 === 0) mkdirSync(join(path, name));
    else writeFileSync(join(path, name), n % 2 === 0 ? "" : name);
  }
}

function sparse(at: (name: string) => string): void {
  const file = (name: string, size: number, pieces: readonly [number, number][]) => {
    const fd = openSync(at(name), "w");
    for (const [offset, length] of pieces) writeSync(fd, Buffer.alloc(length, "s"), 0, length, offset);
    ftruncateSync(fd, size);
    closeSync(fd);
  };
  file("holes", 5_000_000, [
    [0, 4096],
    [1_048_576, 8192],
    [4_999_168, 832],
  ]);
  file("hole-only", 3_000_000, []);
  file("hole-at-end", 2_000_123, [[0, 100]]);
  file("hole-at-start", 1_052_672, [[1_048_576, 4096]]);
}

function attributes(at: (name: string) => string): void {
  writeFileSync(at("capable"), "#!/bin/sh\n", { mode: 0o755 });
  execFileSync("setcap", ["cap_net_raw,cap_net_admin+ep", at("capable")]);
  setXattr(at("text"), "user.note", Buffer.from([0, 1, 2, 255]));
  setXattr(at("text"), "user.second", Buffer.from("a longer value ".repeat(20)));
  setXattr(at("text"), "trusted.thing", Buffer.from("t"));
  setXattr(at("sticky"), "user.of-a-directory", Buffer.from("d"));
  setXattr(at("pipe"), "trusted.of-a-pipe", Buffer.from("p"));
  setXattr(at("link"), "trusted.of-a-link", Buffer.from("l"));
}
