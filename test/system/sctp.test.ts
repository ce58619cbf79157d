// SCTP ports: chosen, ranged, claimed once. Nothing listens for them on the host: the rules are what carries them, which
// a kernel with SCTP shows by traffic.

import { expect, test } from "bun:test";
import { fails, ok, unique } from "../harness/clients.ts";
import { command, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);
const rules = () => ok(command([...hoy.inside, "nft", "list", "ruleset"]));

for (const client of hoy.clients) {
  test(`the engine chooses a port, by ${client.program}`, async () => {
    const [one, two] = [unique(), unique()];
    for (const name of [one, two]) {
      await ok(
        client("run", "-d", "--name", name, "-p", "3868/sctp", "--expose", "9/sctp", "-P", "busybox", "sleep", "1000"),
      );
    }
    const ports = (await ok(client("port", one, "3868/sctp"))).split("\n");
    const [, port = ""] = /^0\.0\.0\.0:(\d+)$/.exec(ports[0] ?? "") ?? [];
    expect(Number(port)).toBeGreaterThan(49_152);
    expect(ports).toEqual([`0.0.0.0:${port}`, `[::]:${port}`]);
    expect(await rules()).toContain(`sctp . ${port} : `);
    expect(await ok(client("port", one, "9/sctp"))).toMatch(/^0\.0\.0\.0:\d+/);
    expect(await ok(client("port", two, "3868/sctp"))).not.toContain(`:${port}\n`);
    await ok(client("rm", "-f", one, two));
    expect(await rules()).not.toContain(`sctp . ${port} : `);
  });
}

test("a port that is taken, by all addresses or by one, is refused with who has it; a range goes on", async () => {
  const name = unique();
  const run = (...flags: string[]) => hoy.hoy("run", "-d", "--name", unique(), ...flags, "busybox", "sleep", "1000");
  await ok(hoy.hoy("run", "-d", "--name", name, "-p", "4000:4000/sctp", "busybox", "sleep", "1000"));
  for (const binding of ["4000:1/sctp", "127.0.0.1:4000:1/sctp"]) {
    await fails(run("-p", binding), 125, `port is already allocated by container ${name}`);
  }
  const other = await ok(run("-p", "4000-4002:1/sctp"));
  expect(await ok(hoy.hoy("port", other))).toBe("1/sctp -> 0.0.0.0:4001\n1/sctp -> [::]:4001");
  await ok(hoy.hoy("rm", "-f", name, other));
});

const SOCKET = "import socket, sys; s = socket.socket(int(sys.argv[1]), socket.SOCK_STREAM, 132)";
const kernel = ["2", "10"].every((family) => Bun.spawnSync(["python3", "-c", SOCKET, family]).exitCode === 0);
/** Answers each client with what it sent and where it came from. */
const SERVE = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 132)
s.bind(("::", 3868))
s.listen(5)
print("ready", flush=True)
while True:
    peer, address = s.accept()
    peer.sendall(peer.recv(100) + b" from " + address[0].encode())
    peer.close()
`;
const ASK = `${SOCKET}
s.settimeout(20)
s.connect((sys.argv[2], int(sys.argv[3])))
s.sendall(b"hello")
print(s.recv(200).decode())
`;

for (const client of hoy.clients) {
  const carries = async () => {
    const [network, name] = [unique("n"), unique()];
    await ok(client("network", "create", "--ipv6", "--subnet", "2001:db8:52::/64", network));
    const flags = ["--network", network, "-p", "3868:3868/sctp"];
    const id = await ok(client("run", "-d", "--name", name, ...flags, "busybox", "sleep", "1000"));
    const pid = await ok(client("inspect", "-f", "{{.State.Pid}}", id));
    const server = start(["nsenter", `--net=/proc/${pid}/ns/net`, "python3", "-c", SERVE]);
    try {
      await server.until(/ready/);
      const four = ok(world.run("python3", "-c", ASK, "2", HOST.v4, "3868"));
      expect(await four).toBe(`hello from ::ffff:${OUTSIDE.v4}`);
      const six = ok(world.run("python3", "-c", ASK, "10", HOST.v6, "3868"));
      expect(await six).toBe(`hello from ${OUTSIDE.v6}`);
    } finally {
      server.kill("SIGKILL");
      await server.exited;
      await ok(client("rm", "-f", name));
      await ok(client("network", "rm", network));
    }
  };
  const title = `a published port carries SCTP from outside, both families, the client's address seen, by ${client.program}`;
  if (kernel) test(title, carries);
  else test.skip(`${title} (skipped: this kernel has no SCTP, or there is no python3)`, carries);
}
