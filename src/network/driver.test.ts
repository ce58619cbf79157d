import { BridgeDriver } from "./bridge.ts";
import { networkDriverConformance } from "./driver.conformance.ts";
import { MacvlanDriver } from "./macvlan.ts";
import type { NetworkRecord } from "./network.ts";

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
networkDriverConformance({
  name: "macvlan",
  make: () => new MacvlanDriver(),
  network: { ...network, driver: "macvlan", interface: "dm-hoytest" },
  reachesGateway: false,
});
