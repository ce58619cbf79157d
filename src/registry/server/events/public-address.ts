// Whether an address is one of the internet's, and not of this machine or a network near it: for requests that this server
// sends to where somebody else said (SSRF). The list is IANA's of special-purpose addresses (RFC 6890 and its registry).

import { BlockList, isIP } from "node:net";

// Two lists: a BlockList takes an IPv4 address for one of ::ffff:0:0/96, too.
const SPECIAL_4 = new BlockList();
const SPECIAL_6 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  SPECIAL_4.addSubnet(network, bits, "ipv4");
// All of IPv6 but 2000::/3 is special, and of that what leads to IPv4 addresses or to examples.
for (const [network, bits] of [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
] as const)
  SPECIAL_6.addSubnet(network, bits, "ipv6");

/** False for what is no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL_4.check(address, "ipv4");
  return family === 6 && !SPECIAL_6.check(address, "ipv6");
}
