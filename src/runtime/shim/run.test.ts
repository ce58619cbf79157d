// Real containers under the shim, with each OCI runtime: exit codes, streams, logs, exec.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { BASE, CRUN, Fixture, RUNC, readAll } from "./fixture.ts";

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
});
afterAll(() => fixture.dispose());

describe.each([CRUN, RUNC])("$name", (runtime) => {
  test("true ends with 0", async () => {
    const { status } = await fixture.run(["true"], { runtime });
    expect(status.code).toBe(0);
    expect(status.oomKilled).toBe(false);
  });

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
    const { shim, id, bundle, upper } = await fixture.start(["sh", "-c", "id -u; echo x > /made; sleep 100"], {
      runtime,
    });
    const exec = await shim.exec({
      id,
      process: { user: { uid: 0, gid: 0 }, args: ["sh", "-c", "cat /made; id -u"], env: ["PATH=/bin"], cwd: "/" },
      stdin: false,
      stdout: true,
      stderr: true,
      consoleSize: undefined,
    });
    const output = exec.stream === undefined ? undefined : await readAll(exec.stream.output);
    expect(output?.stdout).toBe("x\n0\n");
    expect((await exec.exited).code).toBe(0);
    expect(readFileSync(`/proc/${shim.pid}/status`, "utf8")).toContain(`Uid:\t${BASE}\t`);
    expect(statSync(join(upper, "made")).uid).toBe(0);
    await shim.signal(9);
    expect((await shim.exited).code).toBe(137);
    await fixture.runtime.cleanup(id, bundle, runtime);
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
