// Published ports of a running container that joins and leaves networks: they go where its default route goes, are gone with
// its last network, and never lead to who gets its address next.

import { describe, expect, test } from "bun:test";
import { fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { HOST, Outside } from "../harness/outside.ts";
import { curl, webServer } from "../harness/web-server.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);

async function network(...flags: string[]): Promise<string> {
  const name = unique("net");
  await ok(hoy.hoy("network", "create", ...flags, name));
  return name;
}

/** A web server that says `word`. */
const server = (word: string, ...flags: string[]) =>
  webServer(hoy, flags, `mkdir /www; echo ${word} > /www/index.html; httpd -f -p 80 -h /www`);

/** What the port says from outside (by the kernel's rules), and on the host's own loopback of each family (by a listener). */
const said = async (port: number) => {
  const answers = [
    await world.run(...curl(`http://${HOST.v4}:${port}`)),
    await world.host(...curl(`http://127.0.0.1:${port}`)),
    await world.host(...curl(`http://[::1]:${port}`)),
  ];
  return answers.map(({ code, stdout }) => (code === 0 ? stdout.trim() : "nothing"));
};
const all = (word: string) => [word, word, word];

describe("published ports", () => {
  test("follow the default route to another network, also over a kill -9 of the engine", async () => {
    const [one, two] = [await network(), await network()];
    const box = await server("box", "-p", "8301:80", "--network", one, "--network", two);
    expect(await said(8301)).toEqual(all("box"));
    for (const left of [one, two]) {
      await ok(hoy.hoy("network", "disconnect", left, box));
      expect(await said(8301)).toEqual(all("box"));
      await hoy.restart("SIGKILL");
      expect(await said(8301)).toEqual(all("box"));
      await ok(hoy.hoy("network", "connect", left, box));
      expect(await said(8301)).toEqual(all("box"));
    }
    await ok(hoy.hoy("rm", "-f", box));
    await ok(hoy.hoy("network", "rm", one, two));
  }, 60_000);

  test("are gone with its last network, not to be led to the next owner of the address, and back with the next", async () => {
    const [one, two] = [await network("--subnet", "10.203.1.0/24"), await network()];
    const box = await server("box", "-p", "8302:80", "--network", one, "--ip", "10.203.1.50");
    await ok(hoy.hoy("network", "disconnect", one, box));
    const other = await server("other", "--network", one, "--ip", "10.203.1.50");
    expect(await said(8302)).toEqual(all("nothing"));
    expect(await ok(hoy.hoy("port", box))).toBe("");
    const second = await server("second", "-p", "8302:80");
    expect(await said(8302)).toEqual(all("second"));
    await fails(hoy.hoy("network", "connect", two, box), 1, /port is already allocated/);
    expect(await ok(hoy.hoy("exec", box, "ip", "route"))).toBe("");
    await ok(hoy.hoy("rm", "-f", second));
    await ok(hoy.hoy("network", "connect", two, box));
    expect(await said(8302)).toEqual(all("box"));
    expect(await ok(hoy.hoy("port", box))).toContain("80/tcp -> 0.0.0.0:8302");
    await ok(hoy.hoy("rm", "-f", box, other));
    await ok(hoy.hoy("network", "rm", one, two));
  }, 60_000);

  test.each([false, true])(
    "can be had by another once it has ended without a network; engine killed: %p",
    async (killed) => {
      const one = await network();
      const box = await server("box", "-p", "8303:80", "--network", one);
      await ok(hoy.hoy("network", "disconnect", one, box));
      if (killed) await hoy.restart("SIGKILL");
      await ok(hoy.hoy("rm", "-f", box));
      const next = await server("next", "-p", "8303:80");
      expect(await said(8303)).toEqual(all("next"));
      await ok(hoy.hoy("rm", "-f", next));
      await ok(hoy.hoy("network", "rm", one));
    },
    60_000,
  );
});
