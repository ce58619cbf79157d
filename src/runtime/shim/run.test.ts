// Real containers under the shim, with each OCI runtime: exit codes, streams, logs, exec.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import type { OciSpec } from "../oci.ts";
import { CRUN, Fixture, RUNC } from "./testing/fixture.ts";
import { BASE } from "./testing/spec.ts";

/** v2's tree beside those of v1, on hybrid hosts. */
const UNIFIED = "/sys/fs/cgroup/unified";

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
}, 60_000);
afterAll(() => fixture.dispose(), 60_000);

describe.each([CRUN, RUNC])("$name", (runtime) => {
  test("true ends with 0", async () => {
    const { status } = await fixture.run(["true"], { runtime });
    expect(status.code).toBe(0);
    expect(status.oomKilled).toBe(false);
  });

  test("containers that end at once, many together, all tell their code", async () => {
    const codes = Array.from({ length: 12 }, (_, index) => index);
    const ends = codes.map(async (code) => {
      const { shim, id, bundle } = await fixture.start(["sh", "-c", `exit ${code}`], { runtime });
      const status = await shim.exited;
      await fixture.runtime.cleanup(id, bundle, runtime);
      return status.code;
    });
    expect(await Promise.all(ends)).toEqual(codes);
  }, 30_000);

  test("both outputs, the exit code, and the log", async () => {
    const { status, stdout, stderr, started } = await fixture.run(
      ["sh", "-c", "echo out; echo '<err> \"q\"' >&2; exit 7"],
      { runtime },
    );
    expect({ code: status.code, stdout, stderr }).toEqual({ code: 7, stdout: "out\n", stderr: '<err> "q"\n' });
    const lines = readFileSync(join(started.state, "json.log"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).log).sort()).toEqual(['<err> "q"\n', "out\n"]);
    expect(lines.join("\n")).toContain('\\u003cerr\\u003e \\"q\\"\\n');
  });

  test("root in the container is the mapped user outside, and uid 0 on disk", async () => {
    const { shim, id, bundle, upper } = await fixture.start(["sh", "-c", "echo x > /made; sleep 100"], {
      runtime,
    });
    const exec = await fixture.exec(shim, ["sh", "-c", "cat /made; id -u"]);
    expect(exec).toMatchObject({ stdout: "x\n0\n", stderr: "", status: { code: 0 } });
    expect(readFileSync(`/proc/${shim.pid}/status`, "utf8")).toContain(`Uid:\t${BASE}\t`);
    expect(statSync(join(upper, "made")).uid).toBe(0);
    await shim.signal(9);
    expect((await shim.exited).code).toBe(137);
    await fixture.runtime.cleanup(id, bundle, runtime);
  });

  test("the shim runs a sealed copy of the runtime, of which neither container nor exec has a descriptor", async () => {
    const { shim, id, bundle } = await fixture.start(["sh", "-c", "ls /proc/self/fd; sleep 100"], { runtime });
    expect(readlinkSync(`/proc/${shim.shimPid}/fd/3`)).toBe(`/memfd:${runtime.name} (deleted)`);
    const exec = await fixture.exec(shim, ["sh", "-c", "ls -l /proc/self/fd /proc/1/fd"]);
    expect(exec.status.code).toBe(0);
    expect(exec.stdout).toContain("pipe:");
    expect(exec.stdout).not.toContain("memfd");
    await shim.signal(9);
    await shim.exited;
    await fixture.runtime.cleanup(id, bundle, runtime);
  });

  test("a command that can't be run is told in Docker's words, and leaves nothing behind", async () => {
    const faults = [
      ["nosuch", 'exec: "nosuch": executable file not found in $PATH'],
      ["/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory'],
      ["/etc/not-executable", 'exec: "/etc/not-executable": permission denied'],
    ] as const;
    for (const [command, words] of faults) {
      const request = fixture.request([command], { runtime });
      const error = await fixture.runtime.start(request).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(HoyError);
      expect(error).toHaveProperty("code", "invalid");
      expect(String(error)).toContain(
        `OCI runtime create failed: unable to start container process: ${words}: unknown`,
      );
      expect(existsSync(request.bundle)).toBe(false);
      expect(existsSync(`/sys/fs/cgroup/memory/hoy-shim-test/${request.id}`)).toBe(false);
    }
  });

  test("an exec that comes before the container's program has begun waits for it", async () => {
    const { shim } = await fixture.start(["sleep", "100"], {
      runtime,
      edit: (spec) =>
        Object.assign(spec, { hooks: { startContainer: [{ path: "/bin/sleep", args: ["sleep", "0.5"] }] } }),
    });
    if (runtime === CRUN) expect(readlinkSync(`/proc/${shim.pid}/exe`)).not.toContain("busybox");
    expect(await fixture.exec(shim, ["echo", "in"])).toMatchObject({ stdout: "in\n", status: { code: 0 } });
    await shim.signal(9);
    await shim.exited;
  });

  test.each([
    ["", () => undefined],
    ["where the runtime has to move it: ", (bundle: string) => writeFileSync(join(bundle, "exec-root"), "in the way")],
  ] as const)("%san exec is in the container's cgroups, and as confined", async (_, prepare) => {
    const { shim, id, bundle, request } = await fixture.start(["sleep", "100"], { runtime, edit: confine });
    prepare(bundle);
    // The first may differ from those behind it.
    for (let round = 0; round < 2; round++) {
      const exec = await shim.exec({
        id: newId(),
        process: request.spec.process,
        stdin: false,
        stdout: false,
        stderr: false,
        consoleSize: undefined,
      });
      const cgroups = readFileSync(`/proc/${exec.pid}/cgroup`, "utf8");
      expect(cgroups).toBe(readFileSync(`/proc/${shim.pid}/cgroup`, "utf8"));
      expect(cgroups).toContain(`/${id}\n`);
      expect(confinement(exec.pid)).toEqual(confinement(shim.pid));
      for (const name of readdirSync("/proc/self/ns")) {
        expect(readlinkSync(`/proc/${exec.pid}/ns/${name}`)).toBe(readlinkSync(`/proc/${shim.pid}/ns/${name}`));
      }
    }
    await shim.signal(9);
    await shim.exited;
  });

  test.if(existsSync(UNIFIED))("what it leaves where v2's cgroups are hidden from it is not the host's", async () => {
    const { shim } = await fixture.start(["sleep", "100"], { runtime });
    expect(await fixture.exec(shim, ["true"])).toMatchObject({ status: { code: 0 } });
    const hidden = statSync(`/proc/${shim.shimPid}/root${UNIFIED}`).dev;
    expect([statSync(UNIFIED).dev, statSync(dirname(UNIFIED)).dev]).not.toContain(hidden);
    await shim.signal(9);
    await shim.exited;
  });

  test("exec of a command that can't be run", async () => {
    const { shim } = await fixture.start(["sleep", "100"], { runtime });
    await expect(fixture.exec(shim, ["nosuch"])).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
      ),
    });
    await expect(fixture.exec(shim, ["/etc/not-executable"])).rejects.toThrow("permission denied");
    expect((await fixture.exec(shim, ["sh", "-c", "echo still here; exit 3"])).stdout).toBe("still here\n");
    await shim.signal(9);
    await shim.exited;
  });

  test("a signal's end is 128 and its number", async () => {
    const { shim } = await fixture.start(["sh", "-c", "trap 'exit 5' USR1; while :; do sleep 0.01; done"], { runtime });
    expect((await fixture.exec(shim, ["sh", "-c", "kill -TERM $$; sleep 5"])).status.code).toBe(143);
    await shim.signal(9);
    expect((await shim.exited).code).toBe(137);
    await expect(shim.signal(9)).rejects.toMatchObject({ code: "conflict" });
  });

  test("a user who is not root may open /dev/stdout", async () => {
    const { stdout, stderr } = await fixture.run(["sh", "-c", "id -u; echo again > /proc/self/fd/1"], {
      runtime,
      edit: (spec) => {
        spec.process.user = { uid: 1000, gid: 1000 };
      },
    });
    expect({ stdout, stderr }).toEqual({ stdout: "1000\nagain\n", stderr: "" });
  });

  test("without a user namespace", async () => {
    const { stdout, started } = await fixture.run(["sh", "-c", "cat /proc/self/uid_map; echo x > /made"], {
      runtime,
      idMap: undefined,
    });
    expect(stdout.trim().split(/\s+/)).toEqual(["0", "0", "4294967295"]);
    expect(readFileSync(join(started.upper, "made"), "utf8")).toBe("x\n");
  });

  test("without lower directories the upper is the root", async () => {
    const request = fixture.request(["sh", "-c", "echo hi > /made"], { runtime, lowers: [] });
    execFileSync("cp", ["-a", `${fixture.lower}/.`, request.rootfs.upper]);
    const shim = await fixture.runtime.start(request);
    expect((await shim.exited).code).toBe(0);
    await fixture.runtime.cleanup(request.id, request.bundle, runtime);
    expect(statSync(join(request.rootfs.upper, "made")).uid).toBe(0);
  });

  test("the network namespace is there for the engine before the container, and the container's own", async () => {
    let inode = 0;
    const { stdout, stderr, status } = await fixture.run(
      ["sh", "-c", "stat -L -c %i /proc/self/ns/net; cat /proc/sys/net/ipv4/ping_group_range; id -u"],
      {
        runtime,
        onNetworkNamespace: async (pid) => {
          inode = statSync(`/proc/${pid}/ns/net`).ino;
        },
      },
    );
    expect({ stderr, code: status.code }).toEqual({ stderr: "", code: 0 });
    expect(stdout.split("\n").slice(0, 1)).toEqual([String(inode)]);
    expect(stdout.trim().endsWith("\n0")).toBe(true);
  });

  test("a failure in the engine's network work undoes the start", async () => {
    const fault = fixture.run(["true"], { runtime, onNetworkNamespace: () => Promise.reject(new Error("no bridge")) });
    await expect(fault).rejects.toThrow("no bridge");
  });
});

test("a limit that leaves no room for the runtime itself is no limit on execs", async () => {
  const { shim } = await fixture.start(["sleep", "100"], {
    runtime: CRUN,
    edit: (spec) => Object.assign(spec.linux, { resources: { ...spec.linux.resources, pids: { limit: 3 } } }),
  });
  for (let round = 0; round < 2; round++) {
    expect(await fixture.exec(shim, ["echo", "in"])).toMatchObject({ stdout: "in\n", status: { code: 0 } });
  }
  await shim.signal(9);
  await shim.exited;
});

function confine(spec: OciSpec): void {
  const syscalls = [{ names: ["kexec_load"], action: "SCMP_ACT_ERRNO" }];
  Object.assign(spec.linux, { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls } });
}

function confinement(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  return lines.filter((line) => /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp\w*):/.test(line));
}
