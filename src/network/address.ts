// Addresses and prefixes as numbers, IPv4 and IPv6 alike: what IPAM counts with. Text in, text out at the edges.

import { Address4, Address6 } from "ip-address";
import { HoyError } from "../base/error.ts";

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A subnet: `value` has no bit set past the first `length`. */
export interface Prefix extends Address {
  readonly length: number;
}

const BITS: Record<Family, number> = { 4: 32, 6: 128 };

/** @throws HoyError "invalid". */
export function parseAddress(text: string): Address {
  if (Address4.isValid(text) && !text.includes("/")) return { family: 4, value: new Address4(text).bigInt() };
  if (Address6.isValid(text) && !text.includes("/") && !text.includes("%")) {
    return { family: 6, value: new Address6(text).bigInt() };
  }
  throw new HoyError("invalid", `invalid IP address: ${JSON.stringify(text.slice(0, 80))}`);
}

/**
 * "10.0.0.0/8" or "fd00::/64". With `host` bits set the prefix is cut off and the address kept beside it.
 * @throws HoyError "invalid".
 */
export function parseCidr(text: string): { prefix: Prefix; address: Address } {
  const slash = text.indexOf("/");
  const digits = text.slice(slash + 1);
  if (slash < 0 || !/^\d{1,3}$/.test(digits)) throw badCidr(text);
  const address = parseAddress(text.slice(0, slash));
  const length = Number(digits);
  if (length > BITS[address.family]) throw badCidr(text);
  return { prefix: { ...address, value: address.value & ~hostMask(address.family, length), length }, address };
}

/** As parseCidr, and the text must name the network itself ("10.0.0.0/8", not "10.0.0.1/8"). */
export function parsePrefix(text: string): Prefix {
  const { prefix, address } = parseCidr(text);
  if (prefix.value !== address.value) {
    throw new HoyError(
      "invalid",
      `invalid network config: invalid subnet ${text}: it should be ${formatPrefix(prefix)}`,
    );
  }
  return prefix;
}

export function formatAddress({ family, value }: Address): string {
  return family === 4 ? Address4.fromBigInt(value).correctForm() : Address6.fromBigInt(value).correctForm();
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

export function contains(prefix: Prefix, address: Address): boolean {
  return prefix.family === address.family && (address.value & ~hostMask(prefix.family, prefix.length)) === prefix.value;
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b) : contains(b, a);
}

/** Last address of the prefix: IPv4's broadcast. */
export function lastOf(prefix: Prefix): bigint {
  return prefix.value | hostMask(prefix.family, prefix.length);
}

/** Of 169.254.0.0/16 or fe80::/10 (RFC 3927, RFC 4291). */
export function isLinkLocal(address: Address): boolean {
  return contains(LINK_LOCAL[address.family], address);
}

/** The 4 or 16 bytes, network order. */
export function addressBytes({ family, value }: Address): Uint8Array {
  const size = BITS[family] / 8;
  const bytes = new Uint8Array(size);
  for (let index = size - 1, rest = value; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

function hostMask(family: Family, length: number): bigint {
  return (1n << BigInt(BITS[family] - length)) - 1n;
}

function badCidr(text: string): HoyError {
  return new HoyError("invalid", `invalid CIDR address: ${text.slice(0, 80)}`);
}

const LINK_LOCAL: Record<Family, Prefix> = { 4: parsePrefix("169.254.0.0/16"), 6: parsePrefix("fe80::/10") };
