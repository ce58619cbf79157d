// Published ports, reached from outside, from the host, and from other containers; who has a port; what a crash leaves.

import { describe, expect, test } from "bun:test";
import { NetworkNamespace } from "../../src/linux/namespace.ts";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";
import { curl, webServer } from "../harness/web-server.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);

/** A web server that answers with the address it is asked from. */
const SERVER = [
  "mkdir -p /www/cgi-bin",
  "printf '#!/bin/sh\\necho\\necho from=$REMOTE_ADDR\\n' > /www/cgi-bin/who",
  "chmod +x /www/cgi-bin/who",
  "echo hello > /www/index.html",
  "httpd -f -p 80 -h /www",
].join("; ");

const server = (...flags: string[]) => webServer(hoy, flags, SERVER);

const get = (url: string) => curl(url);
const remove = (name: string) => ok(hoy.hoy("rm", "-f", name));

describe("a port of a container", () => {
  eachClient(hoy, "is reached from outside, and sees who asks", async (client) => {
    const name = await server("-p", "8080:80");
    expect(await ok(client("port", name))).toBe("80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080");
    expect(await ok(world.run(...get(`http://${HOST.v4}:8080`)))).toBe("hello");
    expect(await ok(world.run(...get(`http://${HOST.v4}:8080/cgi-bin/who`)))).toContain(`::ffff:${OUTSIDE.v4}]`);
    expect(await ok(client("ps", "--format", "{{.Ports}}", "--filter", `name=${name}`))).toBe(
      "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
    );
    await remove(name);
    expect((await world.run(...get(`http://${HOST.v4}:8080`))).code).not.toBe(0);
  });

  test("is reached from the host by loopback of both families and by its own addresses", async () => {
    const name = await server("-p", "8081:80");
    for (const address of ["127.0.0.1", "[::1]", "127.0.0.77", HOST.v4, `[${HOST.v6}]`]) {
      expect(await ok(world.host(...get(`http://${address}:8081`)))).toBe("hello");
    }
    await remove(name);
  });

  test("is reached over IPv6 from outside, though the container has none", async () => {
    const name = await server("-p", "8082:80");
    expect(await ok(world.run(...get(`http://[${HOST.v6}]:8082`)))).toBe("hello");
    await remove(name);
  });

  test("is reached from another container, and from itself, through the host's address (hairpin)", async () => {
    const name = await server("-p", "8083:80");
    expect(await ok(hoy.hoy("run", "--rm", "busybox", "wget", "-qO-", `http://${HOST.v4}:8083`))).toBe("hello");
    expect(await ok(hoy.hoy("exec", name, "wget", "-qO-", `http://${HOST.v4}:8083`))).toBe("hello");
    await remove(name);
  });

  test("bound to one address is there only", async () => {
    const name = await server("-p", "127.0.0.1:8084:80");
    expect(await ok(world.host(...get("http://127.0.0.1:8084")))).toBe("hello");
    expect((await world.run(...get(`http://${HOST.v4}:8084`))).code).not.toBe(0);
    await remove(name);
  });

  test("by UDP, both ways", async () => {
    const name = unique("udp");
    await ok(hoy.hoy("run", "-d", "--name", name, "-p", "9001:9/udp", "busybox", "sleep", "60"));
    // busybox has no UDP server: the test answers from inside the container's network.
    using inside = NetworkNamespace.open(`/proc/${await ok(hoy.hoy("inspect", "-f", "{{.State.Pid}}", name))}/ns/net`);
    const echo = inside.run(() => [
      Bun.udpSocket({
        hostname: "0.0.0.0",
        port: 9,
        socket: { data: (socket, data, port, from) => void socket.send(data, port, from) },
      }),
    ]);
    const socket = await echo[0];
    const ask = `exec 3<>/dev/udp/${HOST.v4}/9001; echo over udp >&3; timeout 2 head -n 1 <&3`;
    expect(await ok(world.run("bash", "-c", ask))).toBe("over udp");
    socket?.close();
    await remove(name);
  });

  test("without a host port gets a free one; -P publishes what is exposed", async () => {
    const name = await server("-p", "80", "-P", "--expose", "81-83");
    const ports = (await ok(hoy.hoy("port", name))).split("\n");
    expect(ports).toHaveLength(8);
    const [, port] = /^80\/tcp -> 0\.0\.0\.0:(\d+)$/m.exec(ports.join("\n")) ?? [];
    expect(await ok(world.run(...get(`http://${HOST.v4}:${port}`)))).toBe("hello");
    expect(await ok(hoy.hoy("port", name, "80"))).toBe(`0.0.0.0:${port}\n[::]:${port}`);
    await remove(name);
  });

  test("a range of 1,000 ports costs no process", async () => {
    const before = (await ok(world.host("sh", "-c", "ls -d /proc/[0-9]* | wc -l"))).trim();
    const name = await server("-p", "20000-20999:20000-20999", "-p", "8085:80");
    const after = (await ok(world.host("sh", "-c", "ls -d /proc/[0-9]* | wc -l"))).trim();
    // The shim and what runs in the container; other tests' processes may come and go.
    expect(Number(after) - Number(before)).toBeLessThan(20);
    expect((await ok(hoy.hoy("port", name))).split("\n")).toHaveLength(2002);
    await remove(name);
  });
});

describe("a port that is taken", () => {
  eachClient(hoy, "by another container: named, exit code 125, and nothing is left", async (client) => {
    const first = await server("-p", "8090:80");
    const second = unique();
    await fails(
      client("run", "--name", second, "-p", "8090:80", "busybox", "true"),
      125,
      new RegExp(`port is already allocated by container ${first}`),
    );
    await remove(second);
    await remove(first);
    await ok(client("run", "--rm", "-p", "8090:80", "busybox", "true"));
  });

  test("by a program: its name and pid", async () => {
    const listener = world.hostStart("timeout", "20", "busybox", "nc", "-l", "-p", "8091");
    await eventually(
      async () => (await world.host("sh", "-c", "grep -q :1F9B /proc/net/tcp6 /proc/net/tcp")).code === 0,
      "nc listens",
    );
    await fails(
      hoy.hoy("run", "--rm", "-p", "8091:80", "busybox", "true"),
      125,
      /0\.0\.0\.0:8091 failed: port is already allocated by (busybox|nc) \(pid \d+\)/,
    );
    listener.kill("SIGTERM");
    await listener.exited;
  });

  test("an address the host does not have", async () => {
    await fails(
      hoy.hoy("run", "--rm", "-p", "203.0.113.9:80:80", "busybox", "true"),
      125,
      /cannot assign requested address/,
    );
  });
});

describe("bad ports", () => {
  for (const [flag, words] of [
    ["0:80:80:80", /invalid/],
    ["70000:80", /[Ii]nvalid/],
    ["80:0", /[Ii]nvalid/],
    ["90-80:80", /[Ii]nvalid/],
    ["80:80/icmp", /[Ii]nvalid proto/],
  ] as const) {
    eachClient(hoy, `-p ${flag}`, (client) =>
      fails(client("create", "-p", flag, "busybox"), flag === "80:0" ? 1 : 125, words),
    );
  }
});

describe("over the life of the daemon", () => {
  test("ports are reached while it is gone, and by every way when it is back", async () => {
    const name = await server("-p", "8095:80");
    await hoy.down("SIGKILL");
    expect(await ok(world.run(...get(`http://${HOST.v4}:8095`)))).toBe("hello");
    expect(await ok(world.host(...get("http://127.0.0.1:8095")))).toBe("hello");
    await hoy.up();
    for (const address of ["127.0.0.1", "[::1]"])
      expect(await ok(world.host(...get(`http://${address}:8095`)))).toBe("hello");
    await fails(hoy.hoy("run", "--rm", "-p", "8095:80", "busybox", "true"), 125, /already allocated/);
    await remove(name);
    await ok(hoy.hoy("run", "--rm", "-p", "8095:80", "busybox", "true"));
  });

  test("a flushed table heals at the next start", async () => {
    const name = await server("-p", "8096:80");
    await ok(world.host("nft", "flush", "ruleset"));
    await hoy.restart();
    expect(await ok(world.run(...get(`http://${HOST.v4}:8096/cgi-bin/who`)))).toContain(OUTSIDE.v4);
    await remove(name);
  });

  test("a flushed table heals while the engine runs: when a port comes or goes, and when it is looked at", async () => {
    const [first, second] = [await server("-p", "8096:80"), await server("-p", "8094:80")];
    const answers = async () =>
      (await world.run(...get(`http://${HOST.v4}:8096/cgi-bin/who`))).stdout.includes(OUTSIDE.v4);
    await ok(world.host("nft", "flush", "ruleset"));
    await remove(second);
    expect(await answers()).toBe(true);
    await ok(world.host("nft", "flush", "ruleset"));
    const third = await server("-p", "8094:80");
    expect(await answers()).toBe(true);
    await ok(world.host("nft", "flush", "ruleset"));
    await ok(hoy.hoy("info"));
    expect(await answers()).toBe(true);
    for (const name of [first, third]) await remove(name);
    expect(await ok(world.host("nft", "list", "ruleset"))).not.toMatch(/809[46]/);
  });

  test("a container that ends gives its ports back at once, and takes them again when it starts", async () => {
    const name = await server("-p", "8097:80");
    await ok(hoy.hoy("stop", "-t", "0", name));
    await ok(hoy.hoy("run", "--rm", "-p", "8097:80", "busybox", "true"));
    await ok(hoy.hoy("start", name));
    await eventually(
      async () => (await world.run(...get(`http://${HOST.v4}:8097`))).stdout === "hello\n",
      "it answers again",
    );
    await remove(name);
  });
});
