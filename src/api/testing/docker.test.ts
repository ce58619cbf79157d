// The server driven by the real docker command over a unix socket, with a fake engine behind: what its users would see.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { ContainerCreateRequest, ProgressMessage } from "../backend.ts";
import type { ContainerStatsResponse } from "../types/stats.ts";
import { makeCertificates } from "./certificates.ts";
import { Channel, EchoProcess, type FakeParts } from "./fake.ts";
import { type Harness, startHarness } from "./harness.ts";

const docker = Bun.which("docker");
if (docker === null) console.warn("skipped: the docker client is not installed");

const ID = "c0ffee".padEnd(64, "0");

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let harness: Harness;
let engine: FakeEngine;

beforeAll(async () => {
  engine = new FakeEngine();
  harness = await startHarness(engine.parts());
});

afterAll(async () => harness[Symbol.asyncDispose]());

function run(args: readonly string[], input?: string, program = docker ?? ""): Promise<Ran> {
  const env = { PATH: process.env.PATH, HOME: harness.folder, DOCKER_HOST: `unix://${harness.path}` };
  const child = spawn(program, args, { env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout?.on("data", (data) => (out += data));
  child.stderr?.on("data", (data) => (err += data));
  child.stdin?.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

const why = docker === null ? " (skipped: no docker client on PATH)" : "";

describe.skipIf(docker === null)(`the docker command${why}`, () => {
  test("version and info show the server", async () => {
    const version = await run(["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Os}}"]);
    expect(version).toEqual({ code: 0, out: "9.9.9 1.51 linux\n", err: "" });
    expect((await run(["info", "--format", "{{.Name}}/{{.Containers}}"])).out).toBe("harbour/1\n");
  });

  test("ps lists, and passes its filters on", async () => {
    const { out } = await run(["ps", "-a", "--filter", "status=running", "--format", "{{.ID}} {{.Names}} {{.Status}}"]);
    expect(out).toBe("c0ffee000000 tug Up 2 hours\n");
    expect(engine.lastFilters).toEqual({ status: ["running"] });
  });

  test("run -i: input goes in, both outputs come out apart, the exit code is the process's", async () => {
    const { code, out, err } = await run(["run", "-i", "--memory", "64m", "-e", "A=b", "busybox", "cat"], "ahoy\n");
    expect({ code, out, err }).toEqual({ code: 7, out: "ahoy\n", err: "bye\n" });
    expect(engine.created?.config.Image).toBe("busybox");
    expect(engine.created?.config.Cmd).toEqual(["cat"]);
    expect(engine.created?.hostConfig.Memory).toBe(64 * 1024 * 1024);
    expect(engine.created?.hostConfig.NetworkMode).toBe("bridge");
  });

  test("run -it: a terminal, raw bytes, the window's size told", async () => {
    const driver = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
got = b""; sent = False
while True:
    try: data = os.read(fd, 4096)
    except OSError: break
    if not data: break
    got += data
    if b"ready" in got and not sent:
        sent = True; os.write(fd, b"ahoy\\x04")
sys.stdout.buffer.write(got); sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const { code, out } = await run(["-c", driver, docker ?? "", "run", "-it", "busybox", "sh"], undefined, "python3");
    expect(out).toContain("ready");
    expect(out).toContain("ahoy");
    expect(out).toContain("bye");
    expect(code).toBe(7);
    expect(engine.created?.config.Tty).toBe(true);
    expect(engine.resized).toEqual([40, 120]);
  });

  test("exec: streams and exit code; a command that can't run says so with its own code", async () => {
    expect(await run(["exec", "-i", "tug", "cat"], "hi\n")).toEqual({ code: 3, out: "hi\n", err: "bye\n" });
    const missing = await run(["exec", "tug", "nope"]);
    expect(missing.code).toBe(127);
    expect(missing.out + missing.err).toContain('exec: "nope": executable file not found in $PATH');
    expect((await run(["exec", "-d", "tug", "sleep"])).code).toBe(0);
  });

  test("logs come apart; wait prints the code; unknown containers are told", async () => {
    expect(await run(["logs", "tug"])).toEqual({ code: 0, out: "to stdout\n", err: "to stderr\n" });
    expect(await run(["wait", "tug"])).toEqual({ code: 0, out: "7\n", err: "" });
    const unknown = await run(["logs", "nope"]);
    expect([unknown.code, unknown.err]).toEqual([1, "Error response from daemon: No such container: nope\n"]);
  });

  test("start of what runs is no error, and stop, kill, rename, pause pass their words on", async () => {
    expect((await run(["start", "tug"])).out).toBe("tug\n");
    await run(["stop", "-t", "3", "-s", "INT", "tug"]);
    await run(["kill", "-s", "USR1", "tug"]);
    await run(["rename", "tug", "barge"]);
    expect(engine.calls).toEqual(["start tug", "stop tug INT 3", "kill tug USR1", "rename tug barge"]);
  });

  test("cp, out of a container and into it", async () => {
    const target = join(harness.folder, "copied");
    expect((await run(["cp", "tug:/etc/motd", target])).code).toBe(0);
    expect(readFileSync(target, "utf8")).toBe("ahoy\n");
    expect((await run(["cp", target, "tug:/srv/"])).code).toBe(0);
    expect(engine.received.includes(Buffer.from("copied"))).toBe(true);
  });

  test("save and load stream whole archives", async () => {
    const file = join(harness.folder, "image.tar");
    expect((await run(["save", "-o", file, "busybox", "alpine:3"])).code).toBe(0);
    expect(engine.saved).toEqual(["busybox", "alpine:3"]);
    expect(readFileSync(file).length).toBe(40 * 65536);
    const loaded = await run(["load", "-i", file]);
    expect([loaded.code, loaded.out]).toEqual([0, "Loaded image: busybox:latest\n"]);
    expect(engine.loaded).toBe(40 * 65536);
    writeFileSync(file, "no tar");
    const bad = await run(["load", "-i", file]);
    expect([bad.code, bad.err]).toEqual([1, "unexpected EOF: not a tar\n"]);
  });

  test("pull shows progress, and passes credentials", async () => {
    mkdirSync(join(harness.folder, ".docker"), { recursive: true });
    const auth = Buffer.from("jim:hawkins").toString("base64");
    writeFileSync(
      join(harness.folder, ".docker/config.json"),
      JSON.stringify({ auths: { "registry.example:5000": { auth } } }),
    );
    const { code, out } = await run(["pull", "registry.example:5000/treasure:1"]);
    expect([code, out.includes("Status: Downloaded")]).toEqual([0, true]);
    expect(engine.pulled).toEqual({ ref: "registry.example:5000/treasure:1", user: "jim", allTags: false });
    await run(["pull", "-a", "registry.example:5000/treasure"]);
    expect(engine.pulled?.allTags).toBe(true);
  });

  test("events stream as they happen, and end with the client", async () => {
    const { out } = await run(["events", "--since", "1", "--until", "5", "--format", "{{.Type}} {{.Action}} {{.ID}}"]);
    expect(out).toBe(`container start ${ID}\n`);
    const env = { PATH: process.env.PATH, HOME: harness.folder, DOCKER_HOST: `unix://${harness.path}` };
    const child = spawn(docker ?? "", ["events"], { env, stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    await engine.eventsClosed.promise;
  });

  test("stats, once and as a table", async () => {
    const { code, out } = await run(["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", "tug"]);
    expect([code, out]).toEqual([0, "tug 1MiB / 2MiB\n"]);
  });

  test("over TCP with TLS: with the right certificate everything, with a wrong one nothing", async () => {
    const folder = join(harness.folder, "tls");
    mkdirSync(folder);
    makeCertificates(folder);
    const pem = (name: string) => readFileSync(join(folder, `${name}.pem`));
    const tls = { cert: pem("server"), key: pem("server-key"), clientCa: pem("ca") };
    const { address } = await harness.server.listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls });
    const flags = (who: string) => [
      ...["-H", address, "--tlsverify", "--tlscacert", join(folder, "ca.pem")],
      ...["--tlscert", join(folder, `${who}.pem`), "--tlskey", join(folder, `${who}-key.pem`)],
    ];
    const good = await run([...flags("client"), "run", "-i", "busybox", "cat"], "over tls\n");
    expect(good).toEqual({ code: 7, out: "over tls\n", err: "bye\n" });
    expect((await run([...flags("stranger"), "ps"])).code).toBe(1);
    expect((await run(["-H", address, "ps"])).code).toBe(1);
  });

  test("two clients attached to one container both get its output", async () => {
    const first = run(["attach", "--no-stdin", "shared"]);
    const second = run(["attach", "--no-stdin", "shared"]);
    await engine.bothAttached.promise;
    for (const each of engine.shared) {
      each.say("to all\n");
      each.output.end();
    }
    engine.exited.resolve();
    for (const each of await Promise.all([first, second])) expect(each.out).toBe("to all\n");
  });
});

/** One container, "tug", that echoes. */
class FakeEngine {
  created: ContainerCreateRequest | undefined;
  process = new EchoProcess(false);
  resized: readonly number[] = [];
  lastFilters: Record<string, string[]> = {};
  readonly calls: string[] = [];
  received = Buffer.alloc(0);
  saved: readonly string[] = [];
  loaded = 0;
  pulled: { ref: string; user: string | undefined; allTags: boolean } | undefined;
  readonly eventsClosed = Promise.withResolvers<void>();
  readonly shared: EchoProcess[] = [];
  readonly bothAttached = Promise.withResolvers<void>();
  readonly exited = Promise.withResolvers<void>();

  parts(): FakeParts {
    return { containers: this.#containers(), exec: this.#exec(), images: this.#images(), system: this.#system() };
  }

  #containers(): FakeParts["containers"] {
    const known = (ref: string) => {
      if (ref === "nope") throw new HoyError("not-found", `No such container: ${ref}`);
    };
    return {
      list: async ({ filters }) => {
        this.lastFilters = Object.fromEntries([...filters].map(([key, values]) => [key, [...values]]));
        return [{ Id: ID, Names: ["/tug"], Image: "busybox", State: "running", Status: "Up 2 hours", Created: 1 }];
      },
      create: async (request) => {
        this.created = request;
        this.process = new EchoProcess(request.config.Tty ?? false);
        return { Id: ID, Warnings: [] };
      },
      inspect: async (ref) => {
        known(ref);
        return {
          Id: ID,
          Name: "/tug",
          State: { Status: "running", Running: true },
          Config: { Tty: false },
          HostConfig: {},
        };
      },
      start: async (ref) => {
        if (ref === "tug") {
          this.calls.push("start tug");
          throw new HoyError("not-modified", "runs already");
        }
        if (this.process.tty) this.process.say("ready\r\n");
      },
      stop: async (ref, { signal, timeout }) => void this.calls.push(`stop ${ref} ${signal} ${timeout}`),
      kill: async (ref, { signal }) => void this.calls.push(`kill ${ref} ${signal}`),
      rename: async (ref, name) => void this.calls.push(`rename ${ref} ${name}`),
      attach: async (ref) => {
        if (ref !== "shared") return this.process;
        const process = new EchoProcess(false);
        if (this.shared.push(process) === 2) this.bothAttached.resolve();
        return process;
      },
      wait: async (ref) => {
        const over = ref === "tug" ? Promise.resolve() : ref === ID ? this.process.ended.promise : this.exited.promise;
        return { result: over.then(() => ({ StatusCode: ref === "shared" ? 0 : 7 })) };
      },
      resize: async (_, height, width) => {
        this.resized = [height, width];
      },
      logs: async (ref) => {
        known(ref);
        return {
          tty: false,
          chunks: (async function* () {
            yield { stream: "stdout", data: Buffer.from("to stdout\n") } as const;
            yield { stream: "stderr", data: Buffer.from("to stderr\n") } as const;
          })(),
        };
      },
      archiveStat: async (_, path) => ({
        name: path.split("/").filter(Boolean).pop() ?? "/",
        size: 5,
        mode: path.startsWith("/srv") ? 0x80000000 + 0o755 : 0o644,
        mtime: "2026-01-01T00:00:00Z",
        linkTarget: "",
      }),
      archiveGet: async (_, path) => ({
        stat: { name: path, size: 5, mode: 0o644, mtime: "2026-01-01T00:00:00Z", linkTarget: "" },
        tar: (async function* () {
          yield tarOf("motd", "ahoy\n");
        })(),
      }),
      archivePut: async (_ref, _options, tar) => {
        this.received = Buffer.concat(await Array.fromAsync(tar));
      },
      stats: async () =>
        (async function* () {
          yield {
            name: "/tug",
            id: ID,
            read: "2026-01-01T00:00:00Z",
            preread: "0001-01-01T00:00:00Z",
            memory_stats: { usage: 1048576, limit: 2097152, stats: {} },
          } satisfies ContainerStatsResponse;
        })(),
    };
  }

  #exec(): FakeParts["exec"] {
    let command = "";
    let process = new EchoProcess(false);
    return {
      create: async (_, request) => {
        command = request.Cmd?.[0] ?? "";
        process = new EchoProcess(false);
        return { Id: "e1" };
      },
      start: async (_, request) => {
        if (command === "nope") throw new HoyError("invalid", 'exec: "nope": executable file not found in $PATH');
        return request.Detach === true ? undefined : process;
      },
      inspect: async () =>
        ({ ID: "e1", OpenStdin: true, Running: false, ExitCode: command === "nope" ? 127 : 3 }) as never,
    };
  }

  #images(): FakeParts["images"] {
    return {
      save: async (refs) => {
        this.saved = refs;
        return (async function* () {
          for (let i = 0; i < 40; i++) yield new Uint8Array(65536).fill(i);
        })();
      },
      load: async (body) => {
        let size = 0;
        for await (const piece of body) size += piece.length;
        this.loaded = size;
        return (async function* (): AsyncGenerator<ProgressMessage> {
          if (size < 512) throw new HoyError("invalid", "unexpected EOF: not a tar");
          yield { stream: "Loaded image: busybox:latest\n" };
        })();
      },
      pull: async (ref, { auth, allTags }) => {
        this.pulled = { ref, user: auth?.username, allTags };
        return (async function* (): AsyncGenerator<ProgressMessage> {
          yield { status: "Pulling fs layer", id: "abc" };
          yield { status: "Status: Downloaded newer image" };
        })();
      },
    };
  }

  #system(): FakeParts["system"] {
    return {
      version: async () => ({
        Version: "9.9.9",
        ApiVersion: "1.51",
        MinAPIVersion: "1.24",
        Os: "linux",
        Arch: "amd64",
      }),
      info: async () => ({ Name: "harbour", Containers: 1, ServerVersion: "9.9.9" }),
      events: async ({ until }, signal) => {
        const events = new Channel<{
          Type: "container";
          Action: string;
          Actor: { ID: string; Attributes: Record<string, string> };
          time: number;
        }>();
        events.push({ Type: "container", Action: "start", Actor: { ID, Attributes: {} }, time: 2 });
        if (until !== undefined) events.end();
        signal.addEventListener("abort", () => {
          events.end();
          if (until === undefined) this.eventsClosed.resolve();
        });
        return events;
      },
    };
  }
}

/** A tar of one file, as POSIX has it (ustar). */
function tarOf(name: string, content: string): Uint8Array {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        0", 148);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(content);
  return Buffer.concat([block, body, Buffer.alloc(1024)]);
}
