// Ports of a container that is there: added and removed while it runs, kept over its next start and the next daemon.

import { expect, test } from "bun:test";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { HOST, Outside } from "../harness/outside.ts";
import { curl, webServer } from "../harness/web-server.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);
const { hoy: client } = hoy;

const server = (...flags: string[]) => webServer(hoy, flags);

const get = (port: number) => world.run(...curl(`http://${HOST.v4}:${port}`));

test("a port is added to a container that runs, and taken away", async () => {
  const name = await server("-p", "8100:80");
  const pid = await ok(client("inspect", "-f", "{{.State.Pid}}", name));
  expect(await ok(client("update", "--publish-add", "8101:80", name))).toBe(name);
  for (const port of [8100, 8101]) expect(await ok(get(port))).toBe("hello");
  expect(await ok(client("port", name, "80"))).toBe("0.0.0.0:8100\n[::]:8100\n0.0.0.0:8101\n[::]:8101");
  expect(await ok(client("ps", "--format", "{{.Ports}}", "--filter", `name=${name}`))).toContain("8101->80/tcp");
  await ok(client("update", "--publish-rm", "8100:80", name));
  expect((await get(8100)).code).not.toBe(0);
  expect(await ok(get(8101))).toBe("hello");
  expect(await ok(client("inspect", "-f", "{{.State.Pid}}", name))).toBe(pid);
  // The port that was given back is free for others.
  const other = await server("-p", "8100:80");
  await ok(client("rm", "-f", name, other));
});

test("the change holds over a restart of the container and a kill -9 of the daemon", async () => {
  const name = await server();
  await ok(client("update", "--publish-add", "8110:80", name));
  await hoy.restart("SIGKILL");
  expect(await ok(get(8110))).toBe("hello");
  await ok(client("restart", "-t", "0", name));
  await eventually(async () => (await get(8110)).code === 0, "the port answers after the restart");
  await ok(client("update", "--publish-rm", "80", name));
  expect((await get(8110)).code).not.toBe(0);
  expect(await ok(client("port", name))).toBe("");
  await ok(client("rm", "-f", name));
});

test("of a container that is down they are for its next start", async () => {
  const name = unique();
  const script = "mkdir -p /www; echo hello >/www/index.html; httpd -f -p 80 -h /www";
  await ok(client("create", "--name", name, "busybox", "sh", "-c", script));
  await ok(client("update", "--publish-add", "8120:80", name));
  await ok(client("start", name));
  await eventually(async () => (await get(8120)).code === 0, "the port answers");
  await ok(client("rm", "-f", name));
});

test("a port that is taken, or not published, changes nothing", async () => {
  const [name, other] = [await server("-p", "8130:80"), await server("-p", "8131:80")];
  await fails(
    client("update", "--publish-add", "8132:80", "--publish-add", "8131:80", name),
    1,
    `port is already allocated by container ${other}`,
  );
  expect((await get(8132)).code).not.toBe(0);
  expect(await ok(client("port", name))).toBe("80/tcp -> 0.0.0.0:8130\n80/tcp -> [::]:8130");
  await fails(client("update", "--publish-rm", "8131:80", name), 1, "port 8131:80/tcp is not published");
  await ok(client("rm", "-f", name, other));
  const alone = unique();
  await ok(client("run", "-d", "--name", alone, "--network", "none", "busybox", "sleep", "1000"));
  await fails(client("update", "--publish-add", "8133:80", alone), 1, /./);
  await ok(client("rm", "-f", alone));
});
