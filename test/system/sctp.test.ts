// SCTP ports: chosen, ranged, claimed once. Nothing listens for them: the rules are what carries them.

import { expect, test } from "bun:test";
import { fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
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
