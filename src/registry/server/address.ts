// Where a request comes from. Behind a proxy of one's own that is what the proxy says (X-Forwarded-For, its last entry:
// what stands before was written by whoever wrote to the proxy; X-Forwarded-Proto); from anybody else the header means nothing.

import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { HoyError } from "../../base/error.ts";

/** Addresses and networks (CIDR) of proxies. @throws HoyError "invalid" */
export function proxiesOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", bits, rest] = text.split("/");
    const family = isIP(address);
    const largest = family === 4 ? 32 : 128;
    if (
      family === 0 ||
      rest !== undefined ||
      (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= largest))
    )
      throw new HoyError("invalid", `${JSON.stringify(text)} is no address or network`);
    list.addSubnet(address, bits === undefined ? largest : Number(bits), family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

export interface Front {
  /** Of the caller. */
  address(request: IncomingMessage): string;
  /** Whether the caller speaks TLS, to us or to our proxy. */
  secure(request: IncomingMessage): boolean;
}

/** @param tls Whether the server speaks TLS itself. */
export function frontOf(tls: boolean, proxies: BlockList): Front {
  const direct = (request: IncomingMessage) => plain(request.socket.remoteAddress ?? "");
  return {
    address(request) {
      const peer = direct(request);
      if (!isProxy(peer, proxies)) return peer;
      const said =
        String(request.headers["x-forwarded-for"] ?? "")
          .split(",")
          .at(-1)
          ?.trim() ?? "";
      return isIP(said) === 0 ? peer : plain(said);
    },
    secure: (request) => tls || (request.headers["x-forwarded-proto"] === "https" && isProxy(direct(request), proxies)),
  };
}

/** For counting: who has one IPv6 address has a whole /64 of them. */
export function addressKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const left = head.split(":").filter((part) => part !== "");
  const right = tail?.split(":").filter((part) => part !== "") ?? [];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

function isProxy(address: string, proxies: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && proxies.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** An IPv4 address that came in over an IPv6 socket is itself. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
