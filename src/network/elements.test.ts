// Ports as elements by netlink: the same as nft's own words make of them, one and many, and what is not there.

import { afterAll, expect, test } from "bun:test";
import { NetworkNamespace } from "../linux/namespace.ts";
import { nft } from "../linux/nftables.ts";
import { Elements } from "./elements.ts";
import { type FirewallPort, loadTable } from "./firewall.ts";

const TABLE = "inet hoytest";
const host = NetworkNamespace.create();
const elements = host.run(() => new Elements(TABLE));
const load = (ports: readonly FirewallPort[]) => host.run(() => nft(loadTable(TABLE, [], ports)));
const list = () => host.run(() => nft(`list table ${TABLE}`));
afterAll(() => {
  elements[Symbol.dispose]();
  host[Symbol.dispose]();
});

const v4: FirewallPort = {
  protocol: "tcp",
  hostIp: undefined,
  hostPort: 8080,
  containerIp: "172.17.0.2",
  containerPort: 80,
  family: 4,
};
const v6: FirewallPort = { ...v4, containerIp: "fd00::2", family: 6 };
const KINDS: readonly FirewallPort[] = [
  v4,
  { ...v4, hostIp: "192.0.2.1", protocol: "udp", hostPort: 65_535, containerPort: 1 },
  { ...v4, hostIp: "127.0.0.1", hostPort: 256 },
  { ...v4, hostIp: "127.0.0.2", hostPort: 256 },
  v6,
  { ...v6, hostIp: "fd00:1::1", protocol: "sctp", hostPort: 255, containerPort: 65_534 },
];

test("each kind is what nft's words make of it, put in once or twice, and goes again", () => {
  load([]);
  const empty = list();
  load(KINDS);
  const wanted = list();
  load([]);
  elements.change([], KINDS);
  expect(list()).toBe(wanted);
  elements.change([], KINDS);
  expect(list()).toBe(wanted);
  elements.change(KINDS, []);
  expect(list()).toBe(empty);
});

test("what goes and comes in one change is there afterwards", () => {
  load(KINDS);
  elements.change(KINDS.slice(2, 3), KINDS.slice(3));
  load([...KINDS.slice(0, 2), ...KINDS.slice(3)].reverse());
  const wanted = list().split("\n").toSorted();
  load(KINDS);
  elements.change(KINDS.slice(2, 3), KINDS.slice(3));
  expect(list().split("\n").toSorted()).toEqual(wanted);
});

test("five thousand ports at once", () => {
  load([]);
  const all = Array.from({ length: 5_000 }, (_, index) => ({ ...v4, hostPort: index + 1, containerPort: index + 1 }));
  elements.change([], all);
  expect(host.run(() => nft(`list map ${TABLE} published4_any`))).toContain("6 . 5000 : 172.17.0.2 . 5000");
  elements.change(all, []);
  expect(host.run(() => nft(`list map ${TABLE} published4_any`))).not.toContain("elements");
});

test("a port that is not there, one that is another's, no table: nothing is changed, and the error says which", () => {
  load([v4]);
  const before = list();
  expect(() => elements.change([{ ...v4, hostPort: 1 }], KINDS)).toThrow(/ENOENT/);
  expect(() => elements.change([], [...KINDS.slice(1), { ...v4, containerPort: 81 }])).toThrow(/EEXIST|EBUSY/);
  expect(list()).toBe(before);
  host.run(() => nft("flush ruleset"));
  expect(() => elements.change([], [v4])).toThrow(/ENOENT/);
});
