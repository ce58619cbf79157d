// Who reaches published ports, by the daemon's publish-policy: with `firewall` the host's own rules have the word, with
// `local` only this host.

import { describe, expect, test } from "bun:test";
import { ok } from "../harness/clients.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { HOST, Outside } from "../harness/outside.ts";
import { curl, webServer } from "../harness/web-server.ts";

const server = (daemon: TestDaemon, ...flags: string[]) => webServer(daemon, flags);

const get = (url: string) => curl(url, 2);

describe("publish-policy", () => {
  test("firewall: the host's INPUT rules decide what comes from outside", async () => {
    const hoy = await testDaemon({ config: { "publish-policy": "firewall" } });
    const world = await Outside.link(hoy);
    expect(await ok(hoy.hoy("info", "-f", "{{json .FirewallBackend.Info}}"))).toStartWith(
      '[["PublishPolicy","firewall"]',
    );
    const name = await server(hoy, "-p", "8200:80");
    const url = `http://${HOST.v4}:8200`;
    expect(await ok(world.run(...get(url)))).toBe("hello");
    // As ufw and firewalld do it: a table of the host's own that lets nothing in.
    const rules =
      "table inet hostfw { chain input { type filter hook input priority 0; iifname world0 tcp dport 8200 drop; }; }";
    await ok(world.host("nft", rules));
    expect((await world.run(...get(url))).code).not.toBe(0);
    expect(await ok(world.host(...get("http://127.0.0.1:8200")))).toBe("hello");
    expect(await ok(hoy.hoy("run", "--rm", "busybox", "wget", "-qO-", url))).toBe("hello");
    await ok(world.host("nft", "delete table inet hostfw"));
    expect(await ok(world.run(...get(url)))).toBe("hello");
    await ok(hoy.hoy("rm", "-f", name));
  });

  test("local: loopback only, unless an address is given", async () => {
    const hoy = await testDaemon({ config: { "publish-policy": "local" } });
    const world = await Outside.link(hoy);
    const name = await server(hoy, "-p", "8201:80", "-p", "0.0.0.0:8202:80");
    expect(await ok(world.host(...get("http://127.0.0.1:8201")))).toBe("hello");
    expect((await world.run(...get(`http://${HOST.v4}:8201`))).code).not.toBe(0);
    expect(await ok(world.run(...get(`http://${HOST.v4}:8202`)))).toBe("hello");
    await ok(hoy.hoy("rm", "-f", name));
  });
});
