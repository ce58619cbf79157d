// Configurations that several networks share, as Docker has them: a network made with --config-only is nothing on the host, it
// keeps subnets, options and labels under a name; one made with --config-from takes all of that over, and has none of its own.
// What it took is its own from then on: the other may not go or change while it is there.

import { HoyError } from "../base/error.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { checkPool } from "./ipam.ts";
import type { NetworkRecord } from "./network.ts";
import type { NetworkWish } from "./plan.ts";

/** What may not go together, before anything is looked up. @throws HoyError "forbidden" in Docker's words. */
export function checkShared(wish: NetworkWish): void {
  if (wish.configOnly && (wish.ingress || wish.internal || wish.attachable || wish.scope !== "")) {
    const fields = "[ ingress | internal | attachable | scope ]";
    throw forbidden(
      `configuration network can only contain network specific fields. Network operator fields like ${fields} are not supported.`,
    );
  }
  if (wish.configFrom === "") return;
  if (wish.configOnly) throw forbidden("a configuration network cannot depend on another configuration network");
  const own = [wish.labels, wish.ipamOptions, wish.pools].some((each) => Object.keys(each).length > 0);
  const ipamDriver = wish.ipamDriver !== "" && wish.ipamDriver !== "default";
  if (own || ipamDriver || !wish.enableIPv4 || wish.enableIPv6) {
    throw forbidden(
      "user-specified configurations are not supported if the network depends on a configuration network",
    );
  }
  if (Object.keys(wish.options).length > 0) {
    throw forbidden("network driver options are not supported if the network depends on a configuration network");
  }
}

/** The wish with what the other network keeps. @param all the networks there are. @throws HoyError "not-found". */
export function withShared(wish: NetworkWish, all: readonly NetworkRecord[]): NetworkWish {
  if (wish.configFrom === "") return wish;
  const source = all.find(({ name, shares }) => name === wish.configFrom && shares !== undefined);
  if (source?.shares === undefined) {
    const name = JSON.stringify(wish.configFrom.slice(0, 200));
    throw new HoyError("not-found", `configuration network ${name} does not exist`);
  }
  const { enableIPv4, enableIPv6, options, labels, ipamOptions } = source;
  return { ...wish, enableIPv4, enableIPv6, options, labels, ipamOptions, pools: source.shares.pools };
}

/** Of a wish for --config-only. Its subnets are taken by nobody until a network has them. @throws HoyError "invalid" for bad ones. */
export function planShared(id: string, wish: NetworkWish, defaults: NetworkDefaults): NetworkRecord {
  for (const pool of wish.pools) checkPool(pool);
  return {
    id,
    name: wish.name,
    // As Docker's: a driver that nobody can use it by.
    driver: "null",
    created: new Date().toISOString(),
    internal: false,
    attachable: false,
    enableIPv4: wish.enableIPv4,
    enableIPv6: wish.enableIPv6,
    options: { ...defaults.defaultOptions[wish.driver], ...wish.options },
    labels: wish.labels,
    ipamOptions: wish.ipamOptions,
    shares: { pools: wish.pools },
    pools: [],
    interface: "",
    mtu: 0,
    icc: true,
    masquerade: false,
    hostBinding: "",
  };
}

/** @throws HoyError "forbidden" while another network has its configuration from this one. */
export function checkUnshared(record: NetworkRecord, all: readonly NetworkRecord[]): void {
  if (record.shares === undefined || !all.some(({ configFrom }) => configFrom === record.name)) return;
  throw forbidden(`error while removing network: configuration network ${JSON.stringify(record.name)} is in use`);
}

/** @throws HoyError "forbidden" for a network that no container can be on. */
export function checkUsable(record: NetworkRecord): void {
  if (record.shares !== undefined) throw forbidden("cannot create endpoint on configuration-only network");
}

function forbidden(message: string): HoyError {
  return new HoyError("forbidden", message);
}
