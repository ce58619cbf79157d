// Parts of the shim's client that need no shim: frames, job, errors, exit files.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { StartRequest } from "../contract.ts";
import { readExitFile, timeText } from "./exit-file.ts";
import { runtimeFailure, startExitCode } from "./failures.ts";
import { encodeFrame, FrameReader, MAX_PAYLOAD, numbers, sized } from "./frames.ts";
import { encodeJob } from "./job.ts";

describe("frames", () => {
  test("cut anywhere, the frames that went in come out", () => {
    const frame = fc.record({ type: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
        let bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
        const reader = new FrameReader();
        const out: { type: number; payload: Uint8Array }[] = [];
        for (const cut of [...cuts, bytes.length]) {
          for (const { type, payload } of reader.push(bytes.subarray(0, cut)))
            out.push({ type, payload: Uint8Array.from(payload) });
          bytes = bytes.subarray(cut);
        }
        expect(out).toEqual(frames.map(({ type, payload }) => ({ type, payload: Uint8Array.from(payload) })));
      }),
    );
  });

  test("a length past the limit is refused before its bytes come", () => {
    const header = encodeFrame(65);
    header.writeUInt32LE(MAX_PAYLOAD + 1, 4);
    expect(() => [...new FrameReader().push(header)]).toThrow("too long");
  });

  test("numbers are little-endian, sizes are clamped to 16 bits", () => {
    expect([...numbers(1, 0x01020304)]).toEqual([1, 0, 0, 0, 4, 3, 2, 1]);
    expect([...sized(2, 100_000, -5)]).toEqual([2, 0, 0, 0, 255, 255, 0, 0]);
  });
});

const REQUEST: StartRequest = {
  id: "a".repeat(64),
  bundle: "/run/b",
  state: "/data/s",
  spec: {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["true"], env: [], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [],
    linux: { namespaces: [] },
  },
  rootfs: { lowers: ["/l/2", "/l/1"], upper: "/data/s/upper", work: "/data/s/work" },
  idMap: { uids: [{ container: 0, host: 5, size: 9 }], gids: [{ container: 0, host: 6, size: 9 }] },
  binds: [{ source: "/src", target: "/run/b/t", recursive: true, idmap: false }],
  terminal: true,
  consoleSize: { height: 24, width: 80 },
  openStdin: true,
  stdinOnce: false,
  log: {
    driver: "json-file",
    path: "/l",
    maxSize: 5,
    maxFile: 2,
    compress: true,
    attrs: "",
    mode: "blocking",
    maxBuffer: 0,
  },
  runtime: { name: "crun", path: "/usr/bin/crun", args: ["--debug"] },
  hold: false,
  onNetworkNamespace: undefined,
};
const PLACE = {
  runtimeRoot: "/run/r",
  sealed: false,
  hide: ["/h"],
  oomFiles: ["/o"],
  shimCgroups: ["/c"],
};

describe("the job", () => {
  test("lists keep their order", () => {
    const words = encodeJob(REQUEST, PLACE).toString().split("\0");
    const valuesOf = (key: string) => words.filter((_, index) => index % 2 === 1 && words[index - 1] === key);
    expect(valuesOf("lower")).toEqual(["/l/2", "/l/1"]);
    expect(valuesOf("uidmap")).toEqual(["0 5 9"]);
    expect(valuesOf("bind-flags")).toEqual(["r"]);
    expect(valuesOf("runtime-arg")).toEqual(["--debug"]);
    expect(valuesOf("log-attrs")).toEqual([""]);
    expect(valuesOf("rows")).toEqual(["24"]);
  });

  test("no value can smuggle in another key, and the whole is bounded", () => {
    const evil = { ...REQUEST, binds: [{ ...REQUEST.binds[0], source: "/x\0runtime\0/evil" }] } as StartRequest;
    expect(() => encodeJob(evil, PLACE)).toThrow("NUL");
    const huge = { ...REQUEST, log: { ...REQUEST.log, attrs: "x".repeat(300_000) } };
    expect(() => encodeJob(huge, PLACE)).toThrow("too many layers, binds or labels");
  });
});

describe("failures", () => {
  const json = (msg: string) => JSON.stringify({ level: "error", msg, time: "2026-01-01T00:00:00Z" });
  const CREATE = "failed to create task for container: failed to create shim task: OCI runtime create failed: ";

  test.each([
    [
      json("executable file `nosuch` not found in $PATH: No such file or directory"),
      'exec: "nosuch": executable file not found in $PATH',
    ],
    [
      json("executable file `/a b` not found in $PATH: No such file or directory"),
      'exec: "/a b": stat /a b: no such file or directory',
    ],
    [json("open executable: Permission denied"), 'exec: "cmd": permission denied'],
    [
      json('runc run failed: unable to start container process: exec: "x": executable file not found in $PATH'),
      'exec: "x": executable file not found in $PATH',
    ],
  ])("%s", (line, words) => {
    const error = runtimeFailure("create", line, "cmd");
    expect(error.message).toBe(`${CREATE}unable to start container process: ${words}: unknown`);
    expect(error.status).toBe(400);
  });

  test("what is not the command's fault is the server's", () => {
    const error = runtimeFailure("exec", "cgroup is full", "cmd");
    expect(error.message).toBe("OCI runtime exec failed: exec failed: cgroup is full: unknown");
    expect(error.status).toBe(500);
  });

  test("a mount of the wrong kind gets Docker's question", () => {
    expect(runtimeFailure("create", json("mount `/a` to `b`: Not a directory"), "cmd").message).toContain(
      "Are you trying to mount a directory onto a file (or vice-versa)?",
    );
  });

  test("a profile that is not loaded is told as AppArmor's matter", () => {
    const error = runtimeFailure(
      "create",
      json("write file `/proc/thread-self/attr/exec`: No such file or directory"),
      "c",
    );
    expect(error.message).toContain(
      "apparmor failed to apply profile: write /proc/thread-self/attr/exec: no such file",
    );
  });

  test("exit codes", () => {
    expect(startExitCode("x: executable file not found in $PATH")).toBe(127);
    expect(startExitCode("stat /x: no such file or directory")).toBe(127);
    expect(startExitCode("x: permission denied")).toBe(126);
    expect(startExitCode("something else")).toBeUndefined();
  });
});

test("an exit file is read when it is whole, and is none otherwise", () => {
  const state = mkdtempSync("/tmp/hoy-exit-test-");
  expect(readExitFile(state)).toBeUndefined();
  const status = { code: 3, oomKilled: true, at: "2026-01-01T00:00:00.5Z" };
  for (const [text, wanted] of [
    [`${JSON.stringify(status)}\n`, status],
    ["", undefined],
    ['{"code":3,"oom', undefined],
    ["null", undefined],
    ['{"code":"3","oomKilled":true,"at":""}', undefined],
  ] as const) {
    writeFileSync(join(state, "exit.json"), text);
    expect(readExitFile(state)).toEqual(wanted);
  }
  rmSync(state, { recursive: true });
});

test("times keep their nanoseconds", () => {
  expect(timeText(1_735_689_599_123_456_789n)).toBe("2024-12-31T23:59:59.123456789Z");
  expect(timeText(1_000_000_005n)).toBe("1970-01-01T00:00:01.000000005Z");
});
