// The table as the kernel takes it: few networks and many, one family and both, bridges that are there and not.

import { expect, test } from "bun:test";
import { NetworkNamespace } from "../linux/namespace.ts";
import { nft } from "../linux/nftables.ts";
import type { Family } from "./address.ts";
import { type FirewallNetwork, loadTable } from "./firewall.ts";

const network = (number: number, mac: string | undefined): FirewallNetwork => ({
  bridge: `br${number}`,
  subnets: [
    { family: 4, cidr: `10.${number}.0.0/16` },
    { family: 6, cidr: `fd00:${number}::/64` },
  ],
  masquerade: true,
  internal: number % 2 === 1,
  link: number === 0 ? undefined : { index: 100 + number, mac },
});

function loaded(count: number, mac: string | undefined, families: readonly Family[], tracked = false): string {
  using host = NetworkNamespace.create();
  const networks = Array.from({ length: count }, (_, number) => network(number, mac));
  return host.run(() => {
    const text = loadTable("inet hoytest", networks, [], { families, tracked });
    nft(text);
    nft(text); // replaces itself
    return nft("list table inet hoytest");
  });
}

const MAC = "02:00:00:00:00:01";
/** The rules that leave connections unknown; the first network has no bridge, and none. */
const untracking = (text: string) => text.split("\n").filter((line) => line.includes("notrack"));

for (const [title, count] of [
  ["few", 4],
  ["many", 20],
] as const) {
  test(`${title} networks: packets to another port of a bridge are not tracked`, () => {
    const lines = untracking(loaded(count, MAC, [4, 6]));
    expect(lines).toHaveLength(count - 1);
    for (const line of lines) expect(line).toContain(`ether daddr != ${MAC} notrack`);
  });

  test(`${title} networks: where the bridge's address may change, those of its subnets`, () => {
    const text = loaded(count, undefined, [4, 6]);
    expect(untracking(text)).toHaveLength(2 * (count - 1));
    expect(text).toContain("ip6 saddr fd00:1::/64 ip6 daddr fd00:1::/64 fib daddr . iif oif ");
  });

  test(`${title} networks: of one family only that`, () => {
    for (const line of untracking(loaded(count, MAC, [4]))) expect(line).toContain("meta nfproto 2 ");
    for (const line of untracking(loaded(count, undefined, [6]))) expect(line).toContain("ip6 saddr");
  });

  test(`${title} networks: all is tracked where others' rules ask for it`, () => {
    expect(untracking(loaded(count, MAC, [4, 6], true))).toEqual([]);
  });
}
