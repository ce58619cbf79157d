// What every network driver must do, whatever it is made of. Run by driver.test.ts for each, in namespaces of its own.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import type { NetworkDriver } from "./driver.ts";
import * as link from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";

export interface DriverCase {
  readonly name: string;
  /** Made in the namespace that plays the host. */
  readonly make: () => NetworkDriver;
  readonly network: NetworkRecord;
  /** Whether a container reaches the gateway's address (the host's own end). */
  readonly reachesGateway: boolean;
  /** Whether two containers of it reach each other here; true if left out. */
  readonly reachesOthers?: boolean;
  /** After "default"; the gateway's address by eth0 if left out. */
  readonly defaultRoute?: string;
  /** What this kernel lacks for it; its tests are skipped by that name then. */
  readonly missing?: string | undefined;
  /** The kernel itself keeps two interfaces of a network from having one address. */
  readonly uniqueAddresses?: boolean;
}

export function networkDriverConformance(driverCase: DriverCase): void {
  const { name, make, network, reachesGateway, missing, uniqueAddresses } = driverCase;
  const { reachesOthers = true, defaultRoute = "via 10.77.0.1 dev eth0" } = driverCase;
  const run = (title: string, body: () => void) =>
    missing === undefined ? test(title, body) : test.skip(`${title} (skipped: ${missing})`, body);
  const setting = () => {
    const host = NetworkNamespace.create();
    const socket = host.run(() => new Netlink());
    const driver = host.run(() => make());
    const links = () =>
      link
        .listLinks(socket)
        .map((one) => one.name)
        .toSorted();
    return { host, driver, links };
  };
  const endpoint = (last: number): EndpointRecord => ({
    id: `e${last}`.padEnd(64, "0"),
    network,
    container: `c${last}`,
    ipv4: `10.77.0.${last}`,
    ipv6: undefined,
    mac: `02:42:0a:4d:00:0${last}`,
    hostInterface: `vh0000000000${last}`,
    settings: {
      names: [],
      aliases: [],
      gwPriority: 0,
      interface: "eth0",
      driverOptions: {},
      requestedIPv4: "",
      requestedIPv6: "",
    },
  });

  run(`${name}: ensure and remove are idempotent and leave the host as it was`, () => {
    const { host, driver, links } = setting();
    const before = links();
    host.run(() => driver.check(network));
    for (let round = 0; round < 2; round++) host.run(() => driver.ensure(network));
    expect(links().length).toBeGreaterThan(before.length);
    for (let round = 0; round < 2; round++) host.run(() => driver.remove(network));
    expect(links()).toEqual(before);
  });

  run(
    `${name}: two containers reach each other by their addresses (where they may), and the default route is the gateway's`,
    () => {
      const { host, driver } = setting();
      host.run(() => driver.ensure(network));
      using first = NetworkNamespace.create();
      using second = NetworkNamespace.create();
      host.run(() => driver.connect(endpoint(2), first, true));
      host.run(() => driver.connect(endpoint(3), second, false));
      expect(ping(first, "10.77.0.3")).toContain(reachesOthers ? "1 packets received" : "0 packets received");
      expect(inside(first, "ip", "route")).toContain(`default ${defaultRoute}`);
      expect(inside(second, "ip", "route")).not.toContain("default");
      expect(inside(first, "cat", "/sys/class/net/eth0/address")).not.toBe("");
      if (reachesGateway) expect(ping(first, "10.77.0.1")).toContain("1 packets received");
    },
  );

  run(`${name}: connecting again after a start that died, and disconnecting twice`, () => {
    const { host, driver, links } = setting();
    host.run(() => driver.ensure(network));
    const before = links();
    using died = NetworkNamespace.create();
    host.run(() => driver.connect(endpoint(2), died, true));
    using alive = NetworkNamespace.create();
    if (uniqueAddresses) host.run(() => driver.disconnect(endpoint(2), died));
    const again = { ...endpoint(2), mac: "02:42:0a:4d:00:99" };
    host.run(() => driver.connect(again, alive, true));
    expect(inside(alive, "ip", "addr", "show", "eth0")).toContain("10.77.0.2/24");
    for (let round = 0; round < 2; round++) host.run(() => driver.disconnect(again, alive));
    expect(inside(alive, "ip", "link")).not.toContain("eth0");
    host.run(() => driver.disconnect(endpoint(2), died));
    expect(links()).toEqual(before);
  });

  run(`${name}: an option it does not know is refused`, () => {
    const { host, driver } = setting();
    const strange = { ...network, options: { ...network.options, "com.docker.network.nonsense": "1" } };
    expect(() => host.run(() => driver.check(strange))).toThrow("does not know the option com.docker.network.nonsense");
  });
}

function ping(namespace: NetworkNamespace, address: string): string {
  return inside(namespace, "busybox", "ping", "-c1", "-W2", address);
}

function inside(namespace: NetworkNamespace, ...argv: string[]): string {
  const done = spawnSync("nsenter", [`--net=/proc/${process.pid}/fd/${namespace.fd}`, ...argv], { encoding: "utf8" });
  return done.stdout + done.stderr;
}
