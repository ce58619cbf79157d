// The container's file system, memory and log, as the shim makes and keeps them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { CRUN, Fixture, RUNC } from "./testing/fixture.ts";

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
}, 60_000);
afterAll(() => fixture.dispose(), 60_000);

describe.each([CRUN, RUNC])("$name", (runtime) => {
  test("a hundred lowers: the top one wins, the bottom one shows, and writes go to the upper", async () => {
    const lowers = Array.from({ length: 99 }, (_, index) => {
      const path = join(fixture.directory, `layers-${runtime.name}`, `${index}-${"long-name".repeat(8)}`);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, "which"), `${index}\n`);
      writeFileSync(join(path, `only-${index}`), "");
      return path;
    });
    const { stdout, stderr, started } = await fixture.run(
      ["sh", "-c", "cat /which /etc/motd; ls / | wc -l; echo changed > /which; stat -c %u:%g /only-98"],
      { runtime, lowers: [...lowers, fixture.lower] },
    );
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, 2)).toEqual(["0", "from the lower"]);
    expect(Number(stdout.split("\n")[2])).toBeGreaterThan(99);
    expect(stdout).toEndWith("0:0\n");
    expect(readFileSync(join(started.upper, "which"), "utf8")).toBe("changed\n");
    expect(statSync(join(started.upper, "which")).uid).toBe(0);
  });

  test("an idmapped bind: uid 1000 on the host is uid 1000 inside, both ways, for directory and file", async () => {
    const source = join(fixture.directory, `bound-${runtime.name}`);
    mkdirSync(source);
    writeFileSync(join(source, "mine"), "from the host\n");
    for (const path of [source, join(source, "mine")]) chownSync(path, 1000, 1000);
    const request = fixture.request(["sh", "-c", "stat -c %u:%g /data/mine /one; echo x > /data/made"], { runtime });
    request.spec.process.user = { uid: 1000, gid: 1000 };
    const stage = (name: string) => join(request.bundle, name);
    request.spec.mounts.push(
      { destination: "/data", type: "bind", source: stage("bind-0"), options: ["rbind"] },
      { destination: "/one", type: "bind", source: stage("bind-1"), options: ["bind", "ro"] },
    );
    const binds = [
      { source, target: stage("bind-0"), recursive: true, idmap: true },
      { source: join(source, "mine"), target: stage("bind-1"), recursive: false, idmap: true },
    ];
    fixture.remember(request);
    const shim = await fixture.runtime.start({ ...request, binds });
    expect((await shim.exited).code).toBe(0);
    expect(readFileSync(request.log.path, "utf8").match(/1000:1000/g)).toHaveLength(2);
    expect(statSync(join(source, "made")).uid).toBe(1000);
    expect(existsSync(join(source, "mine"))).toBe(true);
  });

  test("killed for want of memory: told as it happens, and with the exit", async () => {
    const { shim } = await fixture.start(["sh", "-c", "read x; exec dd if=/dev/zero of=/dev/null bs=200M count=1"], {
      runtime,
      stdin: true,
      edit: (spec) => {
        spec.linux.resources = { ...spec.linux.resources, memory: { limit: 32 << 20 } };
      },
    });
    const told = new Promise<void>((resolve) => shim.onOom(resolve));
    const stream = await shim.attach({ stdin: true, stdout: false, stderr: false });
    await stream.write(Buffer.from("\n"));
    expect(await shim.exited).toMatchObject({ code: 137, oomKilled: true });
    await told;
  });
});

test.each([CRUN, RUNC])(
  "$name: a shared bind is its source's peer: what is mounted inside is seen on the host",
  async (runtime) => {
    const source = join(fixture.directory, `shared-${runtime.name}`);
    mkdirSync(source);
    execFileSync("mount", ["-t", "tmpfs", "hoy-shim-test", source]);
    try {
      execFileSync("mount", ["--make-shared", source]);
      mkdirSync(join(source, "sub"));
      const script = "busybox mount -t tmpfs inner /data/sub && echo > /data/sub/here && echo mounted && read x";
      const request = fixture.request(["sh", "-c", script], { runtime, idMap: undefined, stdin: true, hold: true });
      const target = join(request.bundle, "bind-0");
      request.spec.linux.rootfsPropagation = "shared";
      request.spec.process.capabilities?.bounding.push("CAP_SYS_ADMIN");
      request.spec.process.capabilities?.effective.push("CAP_SYS_ADMIN");
      request.spec.process.capabilities?.permitted.push("CAP_SYS_ADMIN");
      request.spec.mounts.push({ destination: "/data", type: "bind", source: target, options: ["rbind", "rshared"] });
      fixture.remember(request);
      const shim = await fixture.runtime.start({
        ...request,
        binds: [{ source, target, recursive: true, idmap: false }],
      });
      const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
      await shim.release();
      await stream.output[Symbol.asyncIterator]().next();
      expect(existsSync(join(source, "sub/here"))).toBe(true);
      await shim.signal(9);
      await shim.exited;
      await fixture.runtime.cleanup(request.id, request.bundle, runtime);
    } finally {
      execFileSync("umount", ["--recursive", "--lazy", source]);
    }
  },
);

test("a file system that can't be idmapped is an error that names it and the way out", async () => {
  const request = fixture.request(["true"]);
  fixture.remember(request);
  const binds = [{ source: "/proc", target: join(request.bundle, "bind-0"), recursive: false, idmap: true }];
  const start = fixture.runtime.start({ ...request, binds });
  await expect(start).rejects.toThrow(
    "the file system of /proc can't be mapped to the container's user namespace (use --userns=host",
  );
  expect(existsSync(request.bundle)).toBe(false);
});

test("a directory above the container that its user may not pass is named, with the way out", async () => {
  const closed = join(fixture.directory, "run");
  const request = fixture.request(["true"]);
  fixture.remember(request);
  chmodSync(closed, 0o700);
  const error = await fixture.runtime.start(request).catch((thrown: unknown) => thrown);
  chmodSync(closed, 0o711);
  expect(String(error)).toContain(`the container's user may not pass ${closed}`);
  expect(error).toHaveProperty("code", "internal");
  expect(error).toHaveProperty("hint", expect.stringContaining("--userns=host"));
});

test("a bind whose source is not there", async () => {
  const request = fixture.request(["true"]);
  fixture.remember(request);
  const binds = [{ source: "/no/such", target: join(request.bundle, "bind-0"), recursive: true, idmap: true }];
  await expect(fixture.runtime.start({ ...request, binds })).rejects.toThrow("/no/such: No such file or directory");
});

test("the container sees no path of the host in its mounts, and the host none of its mounts", async () => {
  const { stdout } = await fixture.run(["sh", "-c", "cat /proc/mounts"]);
  expect(stdout.split("\n")[0]).toStartWith("overlay / overlay rw,");
  expect(stdout.split("\n")[0]).not.toContain(fixture.directory);
  expect(execFileSync("cat", ["/proc/self/mountinfo"]).toString()).not.toContain(fixture.directory);
});

test("a container that was started again has what it wrote before", async () => {
  const first = fixture.request(["sh", "-c", "echo kept > /kept"]);
  fixture.remember(first);
  expect((await (await fixture.runtime.start(first)).exited).code).toBe(0);
  await fixture.runtime.cleanup(first.id, first.bundle, CRUN);
  mkdirSync(first.bundle);
  const spec = { ...first.spec, process: { ...first.spec.process, args: ["cat", "/kept"] } };
  const again = await fixture.runtime.start({ ...first, spec });
  expect((await again.exited).code).toBe(0);
  expect(readFileSync(first.log.path, "utf8")).toContain('"log":"kept\\n"');
});

/** Lines of all files of a log, oldest first. */
function logLines(state: string): string[] {
  const number = (name: string) => Number(/\.(\d+)(\.gz)?$/.exec(name)?.[1] ?? 0);
  const names = readdirSync(state).filter((name) => name.startsWith("json.log") && !name.endsWith(".tmp"));
  return names
    .sort((one, other) => number(other) - number(one))
    .flatMap((name) => {
      const data = readFileSync(join(state, name));
      return (name.endsWith(".gz") ? gunzipSync(data) : data).toString().trimEnd().split("\n");
    })
    .map((line): string => JSON.parse(line).log);
}

test.each([false, true])("rotation (compressed: %p) loses no line and keeps the number of files", async (compress) => {
  const script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done";
  const log = { maxSize: 20_000, maxFile: 100, compress };
  const { started } = await fixture.run(["sh", "-c", script], { log });
  expect(logLines(started.state)).toEqual(Array.from({ length: 2000 }, (_, index) => `line ${index}\n`));
  const rotated = readdirSync(started.state).filter((name) => name.startsWith("json.log."));
  expect(rotated.length).toBeGreaterThan(3);
  if (compress) expect(rotated.every((name) => name.endsWith(".gz"))).toBe(true);
  const few = await fixture.run(["sh", "-c", script], { log: { ...log, maxFile: 3 } });
  expect(readdirSync(few.started.state).filter((name) => name.startsWith("json.log"))).toHaveLength(3);
  expect(logLines(few.started.state).at(-1)).toBe("line 1999\n");
});

test("a non-blocking log has every line of a container that is not too fast", async () => {
  const { started } = await fixture.run(["sh", "-c", "echo one; echo two >&2; sleep 0.05; echo three"], {
    log: { mode: "non-blocking", maxBuffer: 1 << 20 },
  });
  expect(logLines(started.state).sort()).toEqual(["one\n", "three\n", "two\n"]);
});

test("no log driver, no file", async () => {
  const { started, stdout } = await fixture.run(["echo", "hi"], { log: { driver: "none" } });
  expect(stdout).toBe("hi\n");
  expect(readdirSync(started.state).filter((name) => name.startsWith("json.log"))).toEqual([]);
});
