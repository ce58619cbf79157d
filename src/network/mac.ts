// MAC addresses: choosing and checking.

import { HoyError } from "../base/error.ts";

/** Locally administered, unicast. */
export function randomMac(): string {
  return format([0x02, ...crypto.getRandomValues(new Uint8Array(5))]);
}

/** From the IPv4 address, so that neighbours' caches stay right when an address comes back; else random. */
export function macOf(ipv4: string | undefined): string {
  return ipv4 === undefined ? randomMac() : format([0x02, 0x42, ...ipv4.split(".").map(Number)]);
}

/** @throws HoyError "invalid" for what is not a unicast address. */
export function checkMac(text: string): void {
  if (!/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) || (Number.parseInt(text.slice(0, 2), 16) & 1) === 1) {
    throw new HoyError("invalid", `invalid MAC address: ${text.slice(0, 40)}`);
  }
}

function format(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
