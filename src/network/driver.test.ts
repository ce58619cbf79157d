import { expect, test } from "bun:test";
import { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import { BridgeDriver } from "./bridge.ts";
import { networkDriverConformance } from "./driver.conformance.ts";
import { IpvlanDriver } from "./ipvlan.ts";
import { findLink } from "./link.ts";
import { MacvlanDriver } from "./macvlan.ts";
import type { NetworkRecord } from "./network.ts";
import { hasIpvlan } from "./virtual-link.ts";

function kernelHasIpvlan(): boolean {
  using socket = new Netlink();
  return hasIpvlan(socket);
}
const ipvlan = kernelHasIpvlan();

const network: NetworkRecord = {
  id: "0".repeat(64),
  name: "test",
  driver: "bridge",
  created: "2026-01-01T00:00:00Z",
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  options: {},
  labels: {},
  ipamOptions: {},
  pools: [{ Subnet: "10.77.0.0/24", Gateway: "10.77.0.1" }],
  interface: "br-hoytest",
  mtu: 1500,
  icc: true,
  masquerade: true,
  hostBinding: "",
};

networkDriverConformance({
  name: "bridge",
  make: () => new BridgeDriver({ ipForward: true, group: 77 }),
  network,
  reachesGateway: true,
});
for (const mode of ["bridge", "private", "vepa"]) {
  networkDriverConformance({
    name: `macvlan, mode ${mode}`,
    make: () => new MacvlanDriver(),
    network: { ...network, driver: "macvlan", interface: "dm-hoytest", options: { macvlan_mode: mode } },
    reachesGateway: false,
    reachesOthers: mode === "bridge",
  });
}
for (const mode of ["l2", "l3", "l3s"]) {
  networkDriverConformance({
    name: `ipvlan, mode ${mode}`,
    make: () => new IpvlanDriver(),
    network: { ...network, driver: "ipvlan", interface: "dm-hoytest", options: { ipvlan_mode: mode } },
    reachesGateway: false,
    defaultRoute: mode === "l2" ? "via 10.77.0.1 dev eth0" : "dev eth0",
    missing: ipvlan ? undefined : "this kernel has no ipvlan",
    uniqueAddresses: true,
  });
}
test("macvlan, mode passthru: the one container that it is for", () => {
  using host = NetworkNamespace.create();
  using container = NetworkNamespace.create();
  using inner = container.run(() => new Netlink());
  const driver = host.run(() => new MacvlanDriver());
  const record = { ...network, driver: "macvlan", interface: "dm-hoytest", options: { macvlan_mode: "passthru" } };
  const settings = { names: [], aliases: [], gwPriority: 0, interface: "eth0", driverOptions: {} };
  host.run(() => driver.ensure(record));
  host.run(() =>
    driver.connect(
      {
        id: "e".repeat(64),
        network: record,
        container: "c",
        ipv4: "10.77.0.2",
        ipv6: undefined,
        mac: "",
        hostInterface: "vh00000000002",
        settings: { ...settings, requestedIPv4: "", requestedIPv6: "" },
      },
      container,
      true,
    ),
  );
  using outer = host.run(() => new Netlink());
  const parent = findLink(outer, "dm-hoytest")?.mac;
  expect(findLink(inner, "eth0")).toMatchObject({ kind: "macvlan", up: true, mac: parent });
});
test.skipIf(ipvlan)("ipvlan: a kernel without it says so", () => {
  using host = NetworkNamespace.create();
  const driver = host.run(() => new IpvlanDriver());
  const record = { ...network, driver: "ipvlan", interface: "dm-hoytest" };
  expect(() => host.run(() => driver.check(record))).toThrow("this kernel has no ipvlan");
  const bad: Record<string, string>[] = [{ ipvlan_mode: "l4" }, { ipvlan_flag: "constructor" }];
  for (const options of bad) {
    expect(() => host.run(() => driver.check({ ...record, options }))).toThrow(/is not valid/);
  }
});
