// Redirects of registries, followed by hand. Blobs are often served from elsewhere, but a registry must not use an engine
// to reach what only the engine's host can: a registry out in the world may not lead to private addresses, one on a
// private network not to this host, and none to the addresses of a cloud's metadata.

import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { HoyError } from "../../base/error.ts";

/** How near to this host an address is. */
export const nearness = { world: 0, network: 1, host: 2, link: 3 } as const;
export type Nearness = (typeof nearness)[keyof typeof nearness];

export const REDIRECTS = 5;

const LISTS: readonly (readonly [Nearness, readonly string[]])[] = [
  [nearness.link, ["169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32"]],
  [nearness.host, ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"]],
  [nearness.network, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]],
];

const BLOCKS = LISTS.map(([near, networks]) => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    list.addSubnet(address, Number(length), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return { near, list };
});

/** Of an address, also one that is an IPv4 address inside of an IPv6 one. */
export function nearnessOf(address: string): Nearness {
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(inner) === 6 ? "ipv6" : "ipv4";
  return BLOCKS.find(({ list }) => list.check(inner, family))?.near ?? nearness.world;
}

/**
 * The place a redirect leads to. @param resolve The addresses of a name; the nearest of them counts.
 * @throws HoyError "forbidden" for a place that this registry may not lead to, "invalid" for none.
 */
export async function redirectTarget(
  from: string,
  location: string | null,
  resolve: (hostname: string) => Promise<readonly string[]> = addressesOf,
): Promise<URL> {
  const origin = new URL(from);
  if (location === null || !URL.canParse(location, from))
    throw new HoyError("invalid", `${origin.host} redirects to nowhere`);
  const target = new URL(location, from);
  if (target.host === origin.host && target.protocol === origin.protocol) return target;
  if (target.protocol !== "https:" && (target.protocol !== "http:" || origin.protocol === "https:")) {
    throw new HoyError(
      "forbidden",
      `${origin.host} redirects to ${target.protocol}//${target.host}, which is not encrypted`,
    );
  }
  const [own, other] = await Promise.all([origin, target].map(async ({ hostname }) => nearest(hostname, resolve)));
  if (own !== undefined && other !== undefined && other > own) {
    throw new HoyError("forbidden", `${origin.host} redirects to ${target.host}, an address that is not public`, {
      hint: "if that is meant, name the other registry or its mirror itself",
    });
  }
  return target;
}

async function nearest(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly string[]>,
): Promise<Nearness | undefined> {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(bare) === 0 ? await resolve(bare) : [bare];
  return addresses.map(nearnessOf).toSorted((a, b) => b - a)[0];
}

/** None when the name is not known here: behind a proxy, names are the proxy's business. */
async function addressesOf(hostname: string): Promise<readonly string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}
