// What goes from one container to another of the same bridge, where the kernel shows it to firewalls (br_netfilter): without
// connection tracking, unless another program's rules may ask for it.

import { afterAll, expect } from "bun:test";
import { eventually, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";

const hoy = await testDaemon();
const host = (...argv: string[]) => ok(command([...hoy.inside, ...argv]));
const nft = (text: string) => host("nft", text);
const SPY = `table inet spy {
  counter tracked { }
  counter untracked { }
  chain look {
    type filter hook postrouting priority 0; policy accept
    oifname hoy0 icmp type echo-request ct state untracked counter name untracked
    oifname hoy0 icmp type echo-request ct state != untracked counter name tracked
  }
}`;
const [a, b] = [unique(), unique()];
for (const name of [a, b]) await ok(hoy.hoy("run", "-d", "--name", name, "busybox", "sleep", "1000"));
afterAll(async () => void (await hoy.hoy("rm", "-f", a, b)));

/** Which packets of a ping from the one to the other there were. */
async function seen(): Promise<string[]> {
  await nft(SPY);
  const address = await ok(hoy.hoy("inspect", "-f", "{{.NetworkSettings.IPAddress}}", b));
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
