// Links, addresses and routes on the real kernel, in network namespaces of the test's own.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import { NftablesError, nft } from "../linux/nftables.ts";
import { formatAddress, formatPrefix, parseAddress, parseCidr, parsePrefix } from "./address.ts";
import { blockPort } from "./bridge-port.ts";
import * as link from "./link.ts";

const MAC = "02:42:ac:1f:00:02";

function inside(namespace: NetworkNamespace, ...argv: string[]): string {
  const done = spawnSync("nsenter", [`--net=/proc/${process.pid}/fd/${namespace.fd}`, ...argv], { encoding: "utf8" });
  return done.stdout + done.stderr;
}

test("a bridge and a veth pair carry packets between two namespaces", () => {
  using host = NetworkNamespace.create();
  using container = NetworkNamespace.create();
  using outer = host.run(() => new Netlink());
  link.createBridge(outer, "hoytest0", { mac: "02:42:00:00:00:01", mtu: 1500 });
  const bridge = link.findLink(outer, "hoytest0");
  if (bridge === undefined) throw new Error("no bridge");
  expect(bridge).toMatchObject({ name: "hoytest0", kind: "bridge", mac: "02:42:00:00:00:01", mtu: 1500, up: false });
  const gateway = parseCidr("172.31.9.1/24");
  link.addAddress(outer, bridge.index, gateway.address, gateway.prefix);
  link.addAddress(outer, bridge.index, gateway.address, gateway.prefix);
  link.setUp(outer, bridge.index);
  link.createVeth(outer, {
    host: "vtest",
    master: bridge.index,
    peer: "eth0",
    peerMac: MAC,
    peerNamespace: container.fd,
    mtu: 1400,
  });
  using inner = container.run(() => new Netlink());
  const eth0 = link.findLink(inner, "eth0");
  if (eth0 === undefined) throw new Error("no eth0");
  expect(eth0).toMatchObject({ mac: MAC, mtu: 1400, up: false });
  link.addAddress(inner, eth0.index, parseAddress("172.31.9.2"), gateway.prefix);
  link.addAddress(inner, eth0.index, parseAddress("fd00:9::2"), parsePrefix("fd00:9::/64"));
  link.setUp(inner, eth0.index);
  inner.batch("default route", [link.routeRequest(eth0.index, gateway.address)]);

  expect(inside(container, "ip", "-4", "route")).toContain("default via 172.31.9.1 dev eth0");
  expect(link.listAddresses(inner).map((a) => `${formatAddress(a.address)}/${a.length}`)).toContain("fd00:9::2/64");
  expect(link.listRoutes(outer).map(formatPrefix)).toContain("172.31.9.0/24");
  expect(inside(container, "busybox", "ping", "-c1", "-W2", "172.31.9.1")).toContain("1 packets received");
  expect(link.listLinks(outer).map((one) => one.name)).toContain("vtest");
  link.deleteLink(outer, "vtest");
  link.deleteLink(outer, "vtest");
  expect(link.findLink(outer, "vtest")).toBeUndefined();
  expect(link.findLink(inner, "eth0")).toBeUndefined();
});

test("through a blocked port comes nothing, and to its hardware address the next port's owner answers", () => {
  using host = NetworkNamespace.create();
  using outer = host.run(() => new Netlink());
  link.createBridge(outer, "hoytest0", { mac: "02:42:00:00:00:01", mtu: 1500 });
  const bridge = link.findLink(outer, "hoytest0");
  if (bridge === undefined) throw new Error("no bridge");
  const { address: gateway, prefix } = parseCidr("172.31.9.1/24");
  link.addAddress(outer, bridge.index, gateway, prefix);
  link.setUp(outer, bridge.index);
  const ping = () => inside(host, "busybox", "ping", "-c1", "-W1", "172.31.9.2");
  // A port carries nothing until the kernel has noticed its other end.
  const answers = () => Array.from({ length: 20 }).some(() => ping().includes("1 packets received"));
  const own = (port: string) => {
    const namespace = NetworkNamespace.create();
    const veth = { host: port, peer: "eth0", peerMac: MAC, mtu: 1500 };
    link.createVeth(outer, { ...veth, master: bridge.index, peerNamespace: namespace.fd });
    using inner = namespace.run(() => new Netlink());
    const eth0 = link.findLink(inner, "eth0");
    if (eth0 === undefined) throw new Error("no eth0");
    link.addAddress(inner, eth0.index, parseAddress("172.31.9.2"), prefix);
    link.setUp(inner, eth0.index);
    return namespace;
  };
  using _dying = own("vdying");
  expect(answers()).toBe(true);
  blockPort(outer, "vdying");
  blockPort(outer, "vdying");
  expect(ping()).toContain("0 packets received");
  using _next = own("vnext");
  expect(answers()).toBe(true);
  blockPort(outer, "vnext");
  expect(ping()).toContain("0 packets received");
  blockPort(outer, "nosuch");
});

test("the kernel's own words come with a refusal", () => {
  using host = NetworkNamespace.create();
  using socket = host.run(() => new Netlink());
  expect(() => link.createBridge(socket, "n".repeat(20), { mac: "02:42:00:00:00:01", mtu: 1500 })).toThrow(
    /ERANGE|EINVAL/,
  );
  link.createBridge(socket, "twice", { mac: "02:42:00:00:00:01", mtu: 1500 });
  expect(() => link.createBridge(socket, "twice", { mac: "02:42:00:00:00:01", mtu: 1500 })).toThrow(/EEXIST/);
});

test("nft: one call is one transaction, in the namespace that it is called in", () => {
  using host = NetworkNamespace.create();
  host.run(() => void nft("add table inet one"));
  expect(host.run(() => nft("list tables"))).toContain("table inet one");
  expect(() => host.run(() => nft("add table inet two\nadd rule inet nowhere chain accept"))).toThrow(NftablesError);
  expect(host.run(() => nft("list tables"))).not.toContain("two");
});

test("nft works on when the program holds more files than select(2) can watch", () => {
  using host = NetworkNamespace.create();
  host.run(() => void nft("add table inet before"));
  const held = Array.from({ length: 1500 }, () => openSync("/dev/null", "r"));
  try {
    host.run(() => void nft("add table inet after"));
  } finally {
    for (const fd of held) closeSync(fd);
  }
  expect(host.run(() => nft("list tables"))).toContain("table inet after");
});

test("of several requests in one, those after one that failed are done, and the first failure is told", () => {
  using host = NetworkNamespace.create();
  using socket = host.run(() => new Netlink());
  const { address, prefix } = parseCidr("10.9.0.1/16");
  expect(() =>
    socket.batch("all", [link.upRequest(4711), link.upRequest(1), link.addressRequest(4712, address, prefix)]),
  ).toThrow(/ENODEV/);
  expect(link.findLink(socket, "lo")?.up).toBe(true);
  socket.batch("all", []);
  socket.batch("all", [link.addressRequest(1, address, prefix)]);
  expect(inside(host, "ip", "-4", "addr", "show", "lo")).toContain("10.9.0.1/16");
});
