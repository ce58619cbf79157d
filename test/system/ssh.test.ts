// An engine behind a real sshd, from another network namespace: `ssh://` in both clients, with the keys and known hosts
// of a user's home. Remote engines without an sshd are in remote.test.ts.

import { expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { command, type Result, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { describeWith, have } from "../harness/needs.ts";
import { HOST, Outside } from "../harness/outside.ts";
import { sshd } from "../harness/sshd.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/hoy");
const URL = `ssh://root@${HOST.v4}`;

async function farAway() {
  const hoy = await testDaemon();
  const world = await Outside.link(hoy);
  return { hoy, world, far: await sshd(hoy) };
}

const there = have.sshd ? await farAway() : undefined;

describeWith("sshd", "behind sshd", () => {
  if (there === undefined) return;
  const { hoy, world, far } = there;
  const ssh = join(far.home, ".ssh");

  for (const name of have.docker ? ["docker", "hoy"] : ["hoy"]) {
    const program = name === "hoy" ? PROGRAM : name;
    const argv = (host: string, args: readonly string[]) =>
      [...world.enter, ...far.inside, "env", `HOME=${far.home}`, program, "--host", host, ...args] as const;
    const at = (host: string, ...args: string[]): Promise<Result> => command(argv(host, args));
    const remote = (...args: string[]) => at(URL, ...args);

    test(`${name}: runs with input, output and exit code, as at home`, async () => {
      expect(await ok(remote("info", "--format", "{{.DockerRootDir}}"))).toBe(hoy.data);
      const script = "cat; echo err >&2; exit 3";
      const run = await command(argv(URL, ["run", "--rm", "-i", "--network", "none", "busybox", "sh", "-c", script]), {
        input: "through sshd",
      });
      expect(run).toEqual({ code: 3, stdout: "through sshd", stderr: "err\n" });
      await fails(remote("inspect", "nonesuch"), 1, /[Nn]o such object/);
    });

    test(`${name}: exec, logs, copies both ways, an archive of megabytes`, async () => {
      const container = unique();
      await ok(
        remote("run", "-d", "--name", container, "--network", "none", "busybox", "sh", "-c", "echo up; sleep 100"),
      );
      expect(await ok(remote("exec", container, "echo", "there"))).toBe("there");
      expect(await ok(remote("logs", container))).toBe("up");
      const file = join(hoy.root, container);
      writeFileSync(file, Buffer.alloc(5_000_000, "x"));
      await ok(remote("cp", file, `${container}:/tmp/big`));
      await ok(remote("cp", `${container}:/tmp/big`, `${file}.back`));
      expect(await ok(command(["cmp", file, `${file}.back`]))).toBe("");
      await ok(remote("rm", "-f", container));
    });

    if (name === "hoy")
      test("hoy: image copy from the far engine and back", async () => {
        const [layout, copy] = [join(hoy.root, unique("layout")), `${unique("copied")}:v1`];
        await ok(at("unix:///nowhere", "image", "copy", `${URL}/busybox`, `oci:${layout}:v1`));
        await ok(at("unix:///nowhere", "image", "copy", `oci:${layout}:v1`, `${URL}/${copy}`));
        const id = (image: string) => ok(remote("inspect", "-f", "{{.Id}}", image));
        expect(await id(copy)).toBe(await id("busybox"));
        await ok(remote("rmi", copy));
      });

    test(`${name}: on a terminal; the session ends and leaves no ssh behind`, async () => {
      const running = start(argv(URL, ["run", "--rm", "-it", "--network", "none", "busybox", "sh"]), {
        terminal: { columns: 91, rows: 31 },
      });
      await running.until(/# /);
      running.write("stty size; exit 4\n");
      expect(await running.exited).toBe(4);
      expect(running.output()).toContain("31 91");
      const gone = async () => (await command(["pgrep", "-f", `ssh .*${HOST.v4}`])).code === 1;
      await eventually(gone, "every ssh of the client ends");
    });

    test(`${name}: the socket is named in the URL`, async () => {
      expect(await ok(at(`${URL}${hoy.socket}`, "info", "--format", "{{.DockerRootDir}}"))).toBe(hoy.data);
      await fails(at(`${URL}/nonesuch.sock`, "ps"), 1, /exited with|Cannot connect|can.t connect|connect to/i);
    });

    test(`${name}: a host that is not known, and a key that is not authorized, are refused in ssh's words`, async () => {
      for (const [file, words] of [
        ["known_hosts", /Host key verification failed/],
        ["authorized_keys", /Permission denied \(publickey\)/],
      ] as const) {
        const path = join(ssh, file);
        renameSync(path, `${path}.away`);
        try {
          await fails(remote("ps"), 1, words);
        } finally {
          renameSync(`${path}.away`, path);
        }
      }
    });
  }
});
