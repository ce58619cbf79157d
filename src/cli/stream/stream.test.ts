// Frames, detach keys, and a whole attached `run` against an engine that hijacks.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { runCli } from "../main.ts";
import { hoy, memoryIo } from "../testing/memory-io.ts";
import { DetachWatch, parseDetachKeys } from "./detach-keys.ts";
import { demultiplex } from "./frames.ts";

function frame(stream: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

async function* pieces(data: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < data.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield data.subarray(at, at + size);
    at += size;
  }
}

async function collect(source: AsyncIterable<Uint8Array>) {
  const texts = { stdout: "", stderr: "" };
  for await (const { stream, data } of demultiplex(source)) texts[stream] += Buffer.from(data).toString("latin1");
  return texts;
}

describe("frames", () => {
  test("are the same however the bytes are cut", async () => {
    const cases = fc.record({
      frames: fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ unit: "binary-ascii", maxLength: 20 }))),
      sizes: fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ frames, sizes }) => {
        const wanted = { stdout: "", stderr: "" };
        for (const [stream, text] of frames) wanted[stream === 1 ? "stdout" : "stderr"] += text;
        const data = Buffer.concat(frames.map(([stream, text]) => frame(stream, text)));
        expect(await collect(pieces(data, sizes))).toEqual(wanted);
      }),
    );
  });

  test("of the engine itself are errors, and other kinds are no frames", async () => {
    await expect(collect(pieces(frame(3, "lost it"), [100]))).rejects.toThrow("error from daemon in stream: lost it");
    await expect(collect(pieces(Buffer.from("not frames at all"), [100]))).rejects.toThrow("unrecognized stream");
  });
});

describe("detach keys", () => {
  const feed = (keys: string, ...typed: string[]) => {
    const watch = new DetachWatch(parseDetachKeys(keys));
    let sent = "";
    for (const text of typed) {
      const { send, detached } = watch.feed(Buffer.from(text, "latin1"));
      sent += Buffer.from(send).toString("latin1");
      if (detached) return { sent, detached };
    }
    return { sent, detached: false };
  };

  test("are ctrl-p ctrl-q, in one piece or several, and are not sent", () => {
    expect(feed("", "ab\x10\x11cd")).toEqual({ sent: "ab", detached: true });
    expect(feed("", "ab\x10", "\x11")).toEqual({ sent: "ab", detached: true });
  });

  test("begun and not ended, they are sent after all", () => {
    expect(feed("", "\x10x")).toEqual({ sent: "\x10x", detached: false });
    expect(feed("", "\x10\x10\x11")).toEqual({ sent: "\x10", detached: true });
  });

  test("may be chosen", () => {
    expect(feed("ctrl-a,d", "x\x01d")).toEqual({ sent: "x", detached: true });
    expect(feed("ctrl-@", "\0")).toEqual({ sent: "", detached: true });
    expect(() => parseDetachKeys("ctrl-*")).toThrow("invalid detach keys (ctrl-*)");
  });
});

describe("run, attached", () => {
  const directory = mkdtempSync(join(tmpdir(), "hoy-cli-"));
  const socket = join(directory, "s");
  const host = `unix://${socket}`;
  const asked: string[] = [];
  let engine: Server;
  let finish: (() => void) | undefined;

  /** Echoes what it is sent, in frames, and ends when told by "exit N" or by a kill. */
  const serve = (connection: Socket) => {
    let text = "";
    let attached = false;
    connection.on("error", () => undefined);
    connection.on("data", (data) => {
      if (attached) {
        connection.write(frame(1, `echo:${data}`));
        return;
      }
      text += String(data);
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const [line = ""] = text.split("\r\n", 1);
      text = text.slice(end + 4 + length);
      asked.push(line);
      attached = answer(connection, line);
    });
    connection.on("end", () => attached && connection.end());
  };

  let output: Socket | undefined;
  let waiting: Socket | undefined;

  const answer = (connection: Socket, line: string): boolean => {
    const json = (status: string, value: unknown) => {
      const body = JSON.stringify(value);
      connection.write(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    };
    if (line.includes("/containers/create")) json("201 Created", { Id: "abc", Warnings: [] });
    else if (line.includes("/attach")) {
      output = connection;
      connection.write(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
      );
      return true;
    } else if (line.includes("/wait")) {
      waiting = connection;
      connection.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    } else if (line.includes("/start")) {
      connection.write("HTTP/1.1 204 No Content\r\n\r\n");
      finish?.();
    } else if (line.includes("/kill")) {
      connection.write("HTTP/1.1 204 No Content\r\n\r\n");
      end("killed\n", 143);
    }
    return false;
  };

  const end = (text: string, code: number) => {
    const body = JSON.stringify({ StatusCode: code, Error: null });
    output?.end(Buffer.concat([frame(1, text), frame(2, "to stderr\n")]));
    waiting?.end(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  };

  beforeAll(async () => {
    engine = createServer({ allowHalfOpen: true }, serve);
    await new Promise<void>((resolve) => engine.listen(socket, resolve));
  });
  afterAll(() => {
    engine.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("output goes where it came from, and the exit code is the container's", async () => {
    finish = () => end("done\n", 7);
    asked.length = 0;
    const result = await hoy(["run", "--rm", "busybox"], { env: { DOCKER_HOST: host } });
    expect(result).toEqual({ code: 7, stdout: "done\n", stderr: "to stderr\n" });
    const verbs = asked.map((line) => line.replace(/^POST \/v[\d.]+/, "").replace(/ HTTP.*/, ""));
    expect(verbs[0]).toBe("/containers/create");
    expect(verbs.slice(1, 3).sort()).toEqual([
      "/containers/abc/attach?stream=1&stdout=1&stderr=1",
      "/containers/abc/wait?condition=removed",
    ]);
    expect(verbs[3]).toBe("/containers/abc/start");
  });

  test("standard input is sent, and its end too", async () => {
    finish = () => setTimeout(() => end("", 0), 50);
    const { code, stdout } = await hoy(["run", "-i", "busybox"], { env: { DOCKER_HOST: host }, stdin: "typed" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "echo:typed" });
  });

  test("signals go on to the container", async () => {
    const { io, signal, text } = memoryIo({ env: { DOCKER_HOST: host } });
    finish = () => signal("SIGTERM");
    asked.length = 0;
    const code = await runCli(["run", "busybox"], io);
    expect(code).toBe(143);
    expect(text().stdout).toBe("killed\n");
    expect(asked.some((line) => line.includes("/containers/abc/kill?signal=TERM"))).toBe(true);
  });

  test("-it without a terminal asks the engine nothing", async () => {
    asked.length = 0;
    expect(await hoy(["run", "-it", "busybox"], { env: { DOCKER_HOST: host } })).toEqual({
      code: 1,
      stdout: "",
      stderr: "the input device is not a TTY\n",
    });
    expect(asked).toEqual([]);
  });

  test("no engine: exit code 125 and the way on", async () => {
    const { code, stderr } = await hoy(["run", "busybox"], { env: { DOCKER_HOST: `unix://${directory}/none` } });
    expect(code).toBe(125);
    expect(stderr).toStartWith(
      `hoy: Cannot connect to the Docker daemon at unix://${directory}/none. Is the docker daemon running?`,
    );
  });
});
