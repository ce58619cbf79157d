// The same life on both storage drivers and both OCI runtimes.

import { describe, expect, test } from "bun:test";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { describeWith, have } from "../harness/needs.ts";

const NET = ["--network", "none"];

/** What must hold whatever is beneath. */
function life(hoy: TestDaemon, ...more: string[]): void {
  const flags = [...NET, ...more];

  eachClient(hoy, "run: streams and exit code", async (client) => {
    const run = await client("run", "--rm", ...flags, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
    expect(run).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
  });

  eachClient(hoy, "write, exec, diff, pause, restart, remove", async (client) => {
    const name = unique();
    await ok(
      client("run", "-d", "--name", name, ...flags, "-m", "64m", "--pids-limit", "20", "busybox", "sleep", "1000"),
    );
    await ok(client("exec", name, "sh", "-c", "echo x > /new; rm /bin/zcat"));
    expect((await ok(client("diff", name))).split("\n").sort()).toEqual(["A /new", "C /bin", "D /bin/zcat"]);
    await ok(client("pause", name));
    await ok(client("unpause", name));
    await ok(client("restart", "-t", "0", name));
    expect(await ok(client("exec", name, "cat", "/new"))).toBe("x");
    expect((await client("exec", name, "ls", "/bin/zcat")).code).toBe(1);
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "a terminal, a user, a read-only root; a command that is not there", async (client) => {
    const script = "id -u; tty; touch /x 2>/dev/null || echo read-only";
    const run = await client("run", "--rm", "-t", "-u", "1000", "--read-only", ...flags, "busybox", "sh", "-c", script);
    expect(run).toMatchObject({ code: 0, stdout: "1000\r\n/dev/pts/0\r\nread-only\r\n" });
    await fails(client("run", "--rm", ...flags, "busybox", "nonesuch"), 127, /executable file not found in \$PATH/);
    await fails(client("run", "--rm", ...flags, "busybox", "/etc/passwd"), 126, /permission denied/i);
  });
}

const drivers = have.erofs ? (["erofs", "overlay"] as const) : (["overlay"] as const);
if (!have.erofs) describeWith("erofs", "storage driver erofs", () => test("is what info says", () => undefined));
for (const driver of drivers) {
  const hoy = await testDaemon({ flags: [`--storage-driver=${driver}`] });
  describe(`storage driver ${driver}`, () => {
    life(hoy);

    test("is what info says", async () => {
      expect(await ok(hoy.hoy("info", "--format", "{{.Driver}}"))).toBe(driver);
    });
  });
}

const hoy = await testDaemon({ config: { runtimes: { mine: { path: "/usr/bin/crun", runtimeArgs: ["--debug"] } } } });
test("what runs where nothing is said: what the environment of the tests names, else EROFS and crun", async () => {
  const { HOY_TEST_STORAGE: storage, HOY_TEST_RUNTIME: runtime } = process.env;
  const expected = `${storage || (have.erofs ? "erofs" : "overlay")} ${runtime || "crun"}`;
  expect(await ok(hoy.hoy("info", "--format", "{{.Driver}} {{.DefaultRuntime}}"))).toBe(expected);
});
describeWith("runc", "runtime runc", () => life(hoy, "--runtime", "runc"));
describe("runtime crun, by its name", () => life(hoy, "--runtime", "crun"));
describe("a runtime of the configuration", () => {
  eachClient(hoy, "runs, and is in info and inspect", async (client) => {
    const name = unique();
    await ok(client("run", "--name", name, ...NET, "--runtime", "mine", "busybox", "true"));
    expect(await ok(client("inspect", "--format", "{{.HostConfig.Runtime}}", name))).toBe("mine");
    expect(Object.keys(JSON.parse(await ok(client("info", "--format", "{{json .Runtimes}}"))))).toContain("mine");
    await ok(client("rm", name));
  });
});
