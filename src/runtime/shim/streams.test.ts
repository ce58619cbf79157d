// Streams through the shim: terminals, standard input, several clients, slow ones.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ShimOutput, ShimStream } from "../contract.ts";
import { CRUN, Fixture, RUNC, readAll } from "./testing/fixture.ts";

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
}, 60_000);
afterAll(() => fixture.dispose(), 60_000);

const BOTH = { stdin: false, stdout: true, stderr: true };
const ALL = { stdin: true, stdout: true, stderr: true };

/** Reads one stream piece by piece: `until` resolves when what came so far holds the words. */
class Reader {
  text = "";
  readonly #iterator: AsyncIterator<ShimOutput>;

  constructor(stream: ShimStream) {
    this.#iterator = stream.output[Symbol.asyncIterator]();
  }

  async until(words: string): Promise<void> {
    while (!this.text.includes(words)) {
      const { value, done } = await this.#iterator.next();
      if (done === true) throw new Error(`the output ended before ${JSON.stringify(words)}: ${this.text}`);
      this.text += Buffer.from(value.data).toString();
    }
  }
}

describe.each([CRUN, RUNC])("$name", (runtime) => {
  test("a terminal: size, resize, echo, and its end", async () => {
    const { shim } = await fixture.start(["sh", "-c", "tty; stty size; read x; stty size; echo got $x"], {
      runtime,
      terminal: true,
      stdin: true,
      hold: true,
    });
    const stream = await shim.attach(ALL);
    const reader = new Reader(stream);
    await shim.release();
    await reader.until("24 80\r\n");
    expect(reader.text).toStartWith("/dev/pts/0\r\n");
    await shim.resize(50, 132);
    await stream.write(Buffer.from("word\n"));
    await reader.until("50 132\r\ngot word\r\n");
    expect((await shim.exited).code).toBe(0);
  });

  test("a terminal's output is whole, however short its process lived", async () => {
    const runs = Array.from({ length: 8 }, (_, index) =>
      fixture.run(["echo", `number ${index}`], { runtime, terminal: true }),
    );
    const outputs = (await Promise.all(runs)).map((result) => result.stdout);
    expect(outputs).toEqual(Array.from({ length: 8 }, (_, index) => `number ${index}\r\n`));
  }, 20_000);

  test("standard input to its end, byte for byte", async () => {
    const data = Buffer.alloc(3_000_000, "0123456789abcdefghij\n");
    const { shim } = await fixture.start(["md5sum"], { runtime, stdin: true, stdinOnce: true, hold: true });
    const stream = await shim.attach(ALL);
    await shim.release();
    const output = readAll(stream.output);
    await stream.write(data);
    stream.endInput();
    expect((await output).stdout).toBe(`${createHash("md5").update(data).digest("hex")}  -\n`);
    expect((await shim.exited).code).toBe(0);
  });

  test("exec with input, and with a terminal of its own", async () => {
    const { shim, id } = await fixture.start(["sleep", "100"], { runtime });
    expect(await fixture.exec(shim, ["cat"], "through\n")).toMatchObject({ stdout: "through\n", status: { code: 0 } });
    const exec = await shim.exec({
      id,
      process: {
        terminal: true,
        user: { uid: 0, gid: 0 },
        // crun's exec has no first size: it comes from the shim, as the process may run already.
        args: [
          "sh",
          "-c",
          "until stty size | grep -q '30 90'; do sleep 0.01; done; echo sized; read x; stty size; exit 4",
        ],
        env: ["PATH=/bin"],
        cwd: "/",
      },
      stdin: true,
      stdout: true,
      stderr: true,
      consoleSize: { height: 30, width: 90 },
    });
    if (exec.stream === undefined) throw new Error("no stream");
    const reader = new Reader(exec.stream);
    await reader.until("sized\r\n");
    await exec.resize(31, 91);
    await exec.stream.write(Buffer.from("\n"));
    await reader.until("31 91\r\n");
    expect((await exec.exited).code).toBe(4);
    await shim.signal(9);
    await shim.exited;
  });
});

// One in a hundred of them lost its exit when the shim closed behind it.
test("exec whose input ends at once, over and over: each has its output and its exit", async () => {
  const { shim } = await fixture.start(["sleep", "100"]);
  const results: string[] = [];
  for (let round = 0; round < 50; round++) {
    const three = [["echo", "hi"], ["sh", "-c", "echo hi; exit 3"], ["true"]].map((args) =>
      fixture.exec(shim, args, ""),
    );
    for (const { stdout, status } of await Promise.all(three)) results.push(`${stdout.trim()} ${status.code}`);
  }
  expect(results).toEqual(Array.from({ length: 50 }, () => ["hi 0", "hi 3", " 0"]).flat());
  await shim.signal(9);
  await shim.exited;
}, 60_000);

test("input that comes after the exit loses nothing of what came before it", async () => {
  const { shim, id } = await fixture.start(["sleep", "100"]);
  for (let round = 0; round < 10; round++) {
    const exec = await shim.exec({
      id,
      process: { user: { uid: 0, gid: 0 }, args: ["head", "-c", "100000", "/dev/zero"], env: ["PATH=/bin"], cwd: "/" },
      stdin: true,
      stdout: true,
      stderr: true,
      consoleSize: undefined,
    });
    if (exec.stream === undefined) throw new Error("no stream");
    // The event loop stands still until the exec is over: its frames lie in the socket as the input is written.
    Bun.sleepSync(50);
    await exec.stream.write(Buffer.from("late"));
    exec.stream.endInput();
    expect((await readAll(exec.stream.output)).stdout.length).toBe(100_000);
    expect((await exec.exited).code).toBe(0);
  }
  await shim.signal(9);
  await shim.exited;
}, 60_000);

test("without stdin-once the input stays open over its clients", async () => {
  const { shim } = await fixture.start(["cat"], { stdin: true });
  const first = await shim.attach(ALL);
  const reader = new Reader(first);
  await first.write(Buffer.from("one\n"));
  await reader.until("one\n");
  first.endInput();
  first.close();
  const second = await shim.attach(ALL);
  const again = new Reader(second);
  await second.write(Buffer.from("two\n"));
  await again.until("two\n");
  await shim.signal(9);
  expect((await shim.exited).code).toBe(137);
});

test("several clients each get all of the output; one that leaves disturbs nobody", async () => {
  const { shim } = await fixture.start(["sh", "-c", "read x; for i in 1 2 3; do echo $i; echo e$i >&2; done"], {
    stdin: true,
    hold: true,
  });
  const leaver = await shim.attach(BOTH);
  const outputs = [await shim.attach(BOTH), await shim.attach(BOTH)].map((stream) => readAll(stream.output));
  const onlyErr = await shim.attach({ stdin: false, stdout: false, stderr: true });
  outputs.push(readAll(onlyErr.output));
  const writer = await shim.attach({ stdin: true, stdout: false, stderr: false });
  await shim.release();
  leaver.close();
  await writer.write(Buffer.from("go\n"));
  const [first, second, third] = await Promise.all(outputs);
  expect(first).toEqual({ stdout: "1\n2\n3\n", stderr: "e1\ne2\ne3\n" });
  expect(second).toEqual({ stdout: "1\n2\n3\n", stderr: "e1\ne2\ne3\n" });
  expect(third).toEqual({ stdout: "", stderr: "e1\ne2\ne3\n" });
  await shim.exited;
});

test("a client that does not read holds the process back, and loses nothing", async () => {
  const command = "i=0; while [ $i -lt 100 ]; do head -c 100000 /dev/zero; i=$((i+1)); done; : > /finished";
  const { shim, upper } = await fixture.start(["sh", "-c", command], { hold: true, log: { driver: "none" } });
  const stream = await shim.attach(BOTH);
  await shim.release();
  const iterator = stream.output[Symbol.asyncIterator]();
  let bytes = 0;
  const next = async (): Promise<boolean> => {
    const { value, done } = await iterator.next();
    if (done !== true) bytes += value.data.length;
    return done !== true;
  };
  await next();
  await settled(shim.pid);
  expect(existsSync(join(upper, "finished"))).toBe(false);
  while (await next());
  expect(bytes).toBe(10_000_000);
  expect((await shim.exited).code).toBe(0);
});

test("the exit does not wait for a slow client, and what the client is owed still comes, after the clean-up too", async () => {
  const { shim, id, bundle } = await fixture.start(["head", "-c", "500000", "/dev/zero"], { hold: true });
  const stream = await shim.attach(BOTH);
  await shim.release();
  expect((await shim.exited).code).toBe(0);
  await fixture.runtime.cleanup(id, bundle, CRUN);
  expect(existsSync(bundle)).toBe(false);
  expect((await readAll(stream.output)).stdout.length).toBe(500_000);
});

// What the process had written before its end lay in the pipe, or the terminal, and was dropped with it.
test.each([false, true])(
  "an exec's output is whole for a client that reads only after its exit (terminal: %p)",
  async (terminal) => {
    const { shim, id, bundle, upper } = await fixture.start(["sleep", "100"]);
    // Each line counts as written once it is: the last one waits for room until the process is killed.
    const script = 'i=0; while :; do printf "%04094d\\n" $i; i=$((i+1)); echo $i >/written; done';
    const exec = await shim.exec({
      id,
      process: { terminal, user: { uid: 0, gid: 0 }, args: ["sh", "-c", script], env: ["PATH=/bin"], cwd: "/" },
      stdin: false,
      stdout: true,
      stderr: true,
      consoleSize: undefined,
    });
    if (exec.stream === undefined) throw new Error("no stream");
    await settled(exec.pid);
    await exec.signal(9);
    while (!existsSync(join(bundle, `exec-${exec.number}.exit`))) await Bun.sleep(20);
    const written = Number(readFileSync(join(upper, "written"), "utf8"));
    const lines = (await readAll(exec.stream.output)).stdout.split("\n").length - 1;
    expect(lines).toBeGreaterThanOrEqual(written);
    expect((await exec.exited).code).toBe(137);
    await shim.signal(9);
    await shim.exited;
  },
  60_000,
);

/** Waits until the process waits on something, rather than for a time. */
async function settled(pid: number): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet = isAsleep(pid) ? quiet + 1 : 0) await Bun.sleep(20);
}

function isAsleep(pid: number): boolean {
  return /^State:\s+S/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test.each([
  { stdin: true, stdout: true, stderr: true, terminal: false },
  { stdin: false, stdout: true, stderr: true, terminal: false },
  { stdin: false, stdout: true, stderr: true, terminal: true },
  { stdin: false, stdout: false, stderr: false, terminal: false },
  { stdin: false, stdout: false, stderr: false, terminal: true },
])("an exec whose client has gone, or never was, can't block, and its exit is still told: %j", async (how) => {
  const { shim, id, upper } = await fixture.start(["sleep", "100"]);
  const exec = await shim.exec({
    id,
    process: {
      terminal: how.terminal,
      user: { uid: 0, gid: 0 },
      args: ["sh", "-c", `${how.stdin ? "read x; " : ""}head -c 3000000 /dev/zero; : > /finished; exit 6`],
      env: ["PATH=/bin"],
      cwd: "/",
    },
    stdin: how.stdin,
    stdout: how.stdout,
    stderr: how.stderr,
    consoleSize: undefined,
  });
  expect(exec.stream === undefined).toBe(!how.stdout);
  exec.stream?.close();
  expect((await exec.exited).code).toBe(6);
  expect(existsSync(join(upper, "finished"))).toBe(true);
  await shim.signal(9);
  await shim.exited;
});

test("output that a background process holds open does not hold the exit back", async () => {
  const { shim } = await fixture.start(["sleep", "100"]);
  const { status, stdout } = await fixture.exec(shim, ["sh", "-c", "sleep 50 & echo started"]);
  expect({ code: status.code, stdout }).toEqual({ code: 0, stdout: "started\n" });
  await shim.signal(9);
  await shim.exited;
});

test("an attach after the end is refused as a conflict", async () => {
  const { shim, id, bundle } = await fixture.start(["true"]);
  await shim.exited;
  await fixture.runtime.cleanup(id, bundle, CRUN);
  await expect(shim.attach(BOTH)).rejects.toMatchObject({ code: "conflict" });
});

// crun's two processes both say something, in any order, and only one of them says why.
test.each([
  ["cause", "fail startup"],
  ["fail startup", "cause"],
])("an exec that can't be started is told by its cause: %s, %s", async (...messages) => {
  const path = join(fixture.directory, "failing-crun");
  const log = messages.map((msg) => JSON.stringify({ msg, level: "error", time: "" })).join("\\n");
  // The words of a call: --root R --log FILE --log-format json VERB …
  const script = `#!/bin/sh\n[ "$7" = exec ] || exec ${CRUN.path} "$@"\nprintf '${log}\\n' >"$4"\nexit 1\n`;
  writeFileSync(path, script, { mode: 0o755 });
  const { shim } = await fixture.start(["sleep", "100"], { runtime: { ...CRUN, path } });
  await expect(fixture.exec(shim, ["true"])).rejects.toThrow("exec failed: cause: unknown");
  await shim.signal(9);
  await shim.exited;
});
