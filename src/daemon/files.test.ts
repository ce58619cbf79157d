// Small files and variables of the daemon: pidfile, group, the shim on disk, what systemd passes.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureLog } from "../base/log.ts";
import { span } from "../base/trace.ts";
import { groupId, socketGroup } from "./group.ts";
import { notifier, passedSockets } from "./notify.ts";
import { writePidfile } from "./pidfile.ts";
import { placeShim } from "./shim-file.ts";
import { startTrace } from "./trace-file.ts";

const root = mkdtempSync(join(tmpdir(), "hoy-daemon-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(root, "t-"));
});

describe("pidfile", () => {
  test("holds our pid and goes away", () => {
    const path = join(folder, "hoy.pid");
    const remove = writePidfile(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    remove();
    expect(existsSync(path)).toBe(false);
  });

  test("a running daemon's refuses, naming it; a stale or foreign one does not", async () => {
    const path = join(folder, "hoy.pid");
    const program = join(folder, "hoyd");
    copyFileSync("/bin/cat", program);
    const other = Bun.spawn([program], { stdin: "pipe", stdout: "pipe" });
    try {
      other.stdin.write("up\n");
      other.stdin.flush();
      await other.stdout.getReader().read();
      writeFileSync(path, `${other.pid}\n`);
      expect(() => writePidfile(path)).toThrow(`process with PID ${other.pid} is still running`);
    } finally {
      other.kill("SIGKILL");
    }
    writeFileSync(path, "1\n"); // runs, and is not a daemon
    writePidfile(path)();
    writeFileSync(path, "nonsense");
    writePidfile(path)();
    expect(readdirSync(folder)).toEqual(["hoyd"]);
  });

  test("is not removed when another took it", () => {
    const path = join(folder, "hoy.pid");
    const remove = writePidfile(path);
    writeFileSync(path, "12345\n");
    remove();
    expect(readFileSync(path, "utf8")).toBe("12345\n");
  });
});

describe("the socket's group", () => {
  test("is looked up by name, else a number", () => {
    expect(groupId("root:x:0:\nhoy:x:990:alice,bob\n", "hoy")).toBe(990);
    expect(groupId("hoyx:x:990:\n", "hoy")).toBeUndefined();
    const file = join(folder, "group");
    writeFileSync(file, "root:x:0:\n");
    expect(socketGroup("1234", true, file)).toBe(1234);
    expect(socketGroup("", true, file)).toBe(0);
  });

  test("the default one may be absent, with a word; a named one may not", () => {
    const file = join(folder, "group");
    writeFileSync(file, "root:x:0:\n");
    const lines: string[] = [];
    configureLog({ write: (line) => lines.push(line) });
    expect(socketGroup("hoy", false, file)).toBe(0);
    configureLog({ write: (line) => process.stderr.write(line) });
    expect(lines.join("")).toContain("only root may use the socket");
    expect(() => socketGroup("wheel", true, file)).toThrow("group wheel not found");
  });
});

describe("the shim on disk", () => {
  test("is placed once, executable, under its hash; a damaged one is replaced", () => {
    const program = new TextEncoder().encode("#!/bin/sh\n");
    const path = placeShim(program, folder);
    expect(path).toMatch(/\/bin\/hoy-shim-[0-9a-f]{16}$/);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    const { ino } = statSync(path);
    expect(placeShim(program, folder)).toBe(path);
    expect(statSync(path).ino).toBe(ino);
    writeFileSync(path, "#!/bin/evil\n");
    placeShim(program, folder);
    expect(readFileSync(path, "utf8")).toBe("#!/bin/sh\n");
    chmodSync(path, 0o777);
    placeShim(program, folder);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(readdirSync(join(folder, "bin"))).toHaveLength(1);
  });
});

describe("systemd", () => {
  test("sockets for this process only, and the variables are gone", () => {
    const env: Record<string, string | undefined> = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a.socket:b" };
    expect(passedSockets(env, 7)).toEqual([
      { fd: 3, name: "a.socket" },
      { fd: 4, name: "b" },
    ]);
    expect(env).toEqual({});
    expect(passedSockets({ LISTEN_PID: "8", LISTEN_FDS: "2" }, 7)).toEqual([]);
    expect(passedSockets({}, 7)).toEqual([]);
    expect(() => passedSockets({ LISTEN_PID: "7", LISTEN_FDS: "many" }, 7)).toThrow("LISTEN_FDS=many");
  });

  test("is told by a datagram", async () => {
    const path = join(folder, "notify");
    const receiver = Bun.spawn(
      [
        "python3",
        "-c",
        "import socket,sys; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('up',flush=True); print(s.recv(100).decode())",
        path,
      ],
      { stdout: "pipe" },
    );
    const reader = receiver.stdout.getReader();
    await reader.read();
    const env = { NOTIFY_SOCKET: path };
    notifier(env)("READY=1");
    let said = "";
    for (let part = await reader.read(); !part.done; part = await reader.read())
      said += new TextDecoder().decode(part.value);
    expect(said.trim()).toBe("READY=1");
    expect(env).toEqual({} as never);
  });

  test("not listening is not the daemon's problem", () => {
    const lines: string[] = [];
    configureLog({ write: (line) => lines.push(line) });
    notifier({ NOTIFY_SOCKET: join(folder, "nobody") })("READY=1");
    notifier({})("READY=1");
    configureLog({ write: (line) => process.stderr.write(line) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("could not be told");
  });
});

describe("--trace", () => {
  test("spans with their parents, one JSON line each", async () => {
    const path = join(folder, "spans");
    const end = startTrace(path);
    await span("outer", { id: "x" }, () => span("inner", {}, async () => undefined));
    await expect(
      span("fails", {}, async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    end();
    await span("after", {}, async () => undefined);
    const [inner, outer, fails, ...rest] = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(inner).toMatchObject({
      name: "inner",
      parentSpanId: outer.spanId,
      traceId: outer.traceId,
      status: { code: "OK" },
    });
    expect(outer).toMatchObject({ name: "outer", parentSpanId: "", attributes: { id: "x" } });
    expect(BigInt(outer.endTimeUnixNano) >= BigInt(inner.endTimeUnixNano)).toBe(true);
    expect(fails.status).toEqual({ code: "ERROR", message: "Error: no" });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("a file that can't be opened is an error", () => {
    mkdirSync(join(folder, "dir"));
    expect(() => startTrace(join(folder, "dir"))).toThrow("--trace:");
  });
});
