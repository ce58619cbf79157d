// What goes from one container to another of the same bridge, where the kernel shows it to firewalls (br_netfilter): without
// connection tracking, unless another program's rules may ask for it.

import { afterAll, expect } from "bun:test";
import { setBridgeFilter } from "../harness/bridge-filter.ts";
import { eventually, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { have, testWith } from "../harness/needs.ts";

const hoy = await testDaemon();
if (have.bridgeFilter && hoy.namespace !== undefined) setBridgeFilter(hoy.namespace, true);
const host = (...argv: string[]) => ok(command([...hoy.inside, ...argv]));
const nft = (text: string) => host("nft", text);
const spy = (bridge: string) => `table inet spy {
  counter tracked { }
  counter untracked { }
  chain look {
    type filter hook postrouting priority 0; policy accept
    oifname ${bridge} icmp type echo-request ct state untracked counter name untracked
    oifname ${bridge} icmp type echo-request ct state != untracked counter name tracked
  }
}`;
const [a, b] = [unique(), unique()];
for (const name of [a, b]) await ok(hoy.hoy("run", "-d", "--name", name, "busybox", "sleep", "1000"));
afterAll(async () => void (await hoy.hoy("rm", "-f", a, b)));

/** Which packets of a ping from the one to the other there were. */
async function seen(bridge = "hoy0", network = "bridge"): Promise<string[]> {
  await nft(spy(bridge));
  const address = await ok(hoy.hoy("inspect", "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, b));
  await eventually(
    async () => (await hoy.hoy("exec", a, "ping", "-c", "1", "-W", "1", address)).code === 0,
    "it answers",
  );
  const counters = await nft("list counters table inet spy");
  await nft("delete table inet spy");
  const counted = [...counters.matchAll(/counter (\w+) \{\s+packets (\d+)/g)];
  return counted.filter(([, , packets]) => packets !== "0").map(([, name = ""]) => name);
}

testWith("bridgeFilter", "is not tracked", async () => {
  expect(await seen()).toEqual(["untracked"]);
});

testWith("bridgeFilter", "is tracked when another firewall looks at what is forwarded", async () => {
  await nft("table inet mine { chain look { type filter hook forward priority 0; ct state established accept; }; }");
  await ok(hoy.hoy("info")); // which looks for them at once
  expect(await seen()).toEqual(["tracked"]);
  await hoy.restart();
  expect(await seen()).toEqual(["tracked"]);
  await nft("delete table inet mine");
  await ok(hoy.hoy("info"));
  expect(await seen()).toEqual(["untracked"]);
});

testWith("bridgeFilter", "a bridge that others made, whose address may change: is not tracked", async () => {
  await host("ip", "link", "add", "name", "mine0", "type", "bridge");
  const network = unique();
  await ok(hoy.hoy("network", "create", "-o", "com.docker.network.bridge.name=mine0", network));
  for (const name of [a, b]) await ok(hoy.hoy("network", "connect", network, name));
  try {
    expect(await seen("mine0", network)).toEqual(["untracked"]);
  } finally {
    for (const name of [a, b]) await ok(hoy.hoy("network", "disconnect", network, name));
    await ok(hoy.hoy("network", "rm", network));
    await host("ip", "link", "del", "mine0");
  }
});

testWith("bridgeFilter", "a bridge that gets another address: the host's published ports are found by it", async () => {
  const web = unique();
  await ok(
    hoy.hoy("run", "-d", "--name", web, "-p", "8099:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"),
  );
  try {
    await host("ip", "link", "set", "hoy0", "address", "02:11:22:33:44:55");
    await ok(hoy.hoy("info")); // which looks for it at once
    const gateway = await ok(hoy.hoy("inspect", "-f", "{{.NetworkSettings.Gateway}}", a));
    // By a container that has not asked for the old address.
    const ask = ["run", "--rm", "busybox", "nc", "-w", "5", gateway, "8099"] as const;
    await eventually(async () => (await hoy.hoy(...ask)).stdout.includes("hello"), "it answers by the host's address");
    expect(await nft("list ruleset")).toContain("02:11:22:33:44:55");
    expect(await seen()).toEqual(["untracked"]);
  } finally {
    await ok(hoy.hoy("rm", "-f", web));
  }
});
