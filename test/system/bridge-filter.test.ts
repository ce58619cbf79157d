// Who reaches whom does not rest on br_netfilter: all of it holds where the kernel shows firewalls nothing of what stays on a
// bridge (a host where nothing has loaded the module, such as a fresh Debian) and where it does (beside dockerd or Kubernetes).

import { describe, expect, test } from "bun:test";
import { setBridgeFilter } from "../harness/bridge-filter.ts";
import { ok, unique } from "../harness/clients.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";
import { curl, webServer } from "../harness/web-server.ts";

const SERVER = "mkdir -p /www; echo hello >/www/index.html; httpd -f -v -p 80 -h /www";
const get = (url: string, seconds = 5) => curl(url, seconds);

const hoy = await testDaemon();
const world = await Outside.link(hoy);
const guarded = await testDaemon({ config: { "publish-policy": "firewall" } });
const guardedWorld = await Outside.link(guarded);

const exec = (name: string, ...argv: string[]) => hoy.hoy("exec", name, ...argv);

/** Which of these hosts give the page, asked from within the container all at once. */
async function reached(from: string, hosts: readonly string[]): Promise<string[]> {
  const ask = async (host: string) => (await exec(from, "timeout", "2", "wget", "-qO-", `http://${host}`)).stdout;
  const pages = await Promise.all(hosts.map(ask));
  return hosts.filter((_, index) => pages[index] === "hello\n");
}

const server = (daemon: TestDaemon, ...flags: string[]) => webServer(daemon, flags, SERVER);

/** On one network; the flags are the second's. */
async function pair(net: string, ...flags: string[]): Promise<[string, string]> {
  return [await server(hoy, "--network", net), await server(hoy, "--network", net, ...flags)];
}

/** Networks and what is on them, made once: the setting may change under running containers. */
const nets = { own: unique("net"), apart: unique("net"), inner: unique("net") };
await ok(hoy.hoy("network", "create", "--ipv6", nets.own));
await ok(hoy.hoy("network", "create", "--ipv6", "-o", "com.docker.network.bridge.enable_icc=false", nets.apart));
await ok(hoy.hoy("network", "create", "--ipv6", "--internal", nets.inner));
const own = await pair(nets.own, "-p", "8300:80");
const apart = await pair(nets.apart);
const inner = await pair(nets.inner);
await server(guarded, "-p", "8301:80");

/** Both families' addresses, as in a URL. */
async function addresses(name: string, net: string): Promise<[string, string]> {
  const format = `{{with index .NetworkSettings.Networks "${net}"}}{{.IPAddress}} [{{.GlobalIPv6Address}}]{{end}}`;
  const [v4 = "", v6 = ""] = (await ok(hoy.hoy("inspect", "-f", format, name))).split(" ");
  return [v4, v6];
}

for (const on of [false, true]) {
  const state = on ? "with br_netfilter" : "without br_netfilter";
  const holds = (name: string, body: () => Promise<void>) => {
    const inState = async () => {
      const undo = [hoy, guarded].map(({ namespace }) =>
        namespace === undefined ? () => undefined : setBridgeFilter(namespace, on),
      );
      try {
        await body();
      } finally {
        for (const each of undo) each();
      }
    };
    if (on) testWith("bridgeFilter", name, inState);
    else test(name, inState);
  };

  describe(state, () => {
    holds("it is told in info, to clients of every age", async () => {
      const { BridgeNfIptables, BridgeNfIp6tables } = (await hoy.api("GET", "/v1.49/info")).json as Record<
        string,
        unknown
      >;
      expect([BridgeNfIptables, BridgeNfIp6tables]).toEqual([on, on]);
      expect((await hoy.api("GET", "/v1.51/info")).json).not.toHaveProperty("BridgeNfIptables");
      const words = on
        ? "BridgeNetfilter: on: .*sysctl -w net.bridge.bridge-nf-call-iptables=0"
        : "BridgeNetfilter: off";
      expect(await ok(hoy.hoy("info"))).toMatch(new RegExp(words));
    });

    const [[a, b], [c, d], [e, f]] = [own, apart, inner];

    holds("containers of a network reach each other, by both families and by name", async () => {
      const hosts = [b, ...(await addresses(b, nets.own))];
      expect(await reached(a, hosts)).toEqual(hosts);
    });

    holds("one network's containers do not reach another's", async () => {
      expect(await reached(a, await addresses(c, nets.apart))).toEqual([]);
    });

    holds("icc=false keeps a network's containers apart, and lets them out", async () => {
      expect(await reached(c, await addresses(d, nets.apart))).toEqual([]);
      expect((await exec(c, "ping", "-c1", "-W2", OUTSIDE.v4)).code).toBe(0);
    });

    holds("an internal network leads nowhere but to its own", async () => {
      const hosts = await addresses(f, nets.inner);
      expect(await reached(e, [...hosts, ...(await addresses(b, nets.own))])).toEqual(hosts);
      expect((await exec(e, "ping", "-c1", "-W1", OUTSIDE.v4)).code).not.toBe(0);
    });

    holds("a published port: from outside, from networks by the host's address, from itself", async () => {
      const port = `${HOST.v4}:8300`;
      for (const host of [port, `[${HOST.v6}]:8300`])
        expect(await ok(world.run(...get(`http://${host}`)))).toBe("hello");
      expect(await ok(world.host(...get("http://127.0.0.1:8300")))).toBe("hello");
      for (const from of [a, b, c]) expect(await reached(from, [port])).toEqual([port]);
      expect((await hoy.hoy("logs", b)).stderr).toContain(OUTSIDE.v4);
    });

    holds("publish-policy firewall: the host's INPUT rules decide", async () => {
      const url = `http://${HOST.v4}:8301`;
      expect(await ok(guardedWorld.run(...get(url)))).toBe("hello");
      const chain = "chain input { type filter hook input priority 0; iifname world0 tcp dport 8301 drop; }";
      await ok(guardedWorld.host("nft", `table inet hostfw { ${chain}; }`));
      try {
        expect((await guardedWorld.run(...get(url, 1))).code).not.toBe(0);
        expect(await ok(guardedWorld.host(...get("http://127.0.0.1:8301")))).toBe("hello");
      } finally {
        await ok(guardedWorld.host("nft", "delete table inet hostfw"));
      }
    });
  });
}
