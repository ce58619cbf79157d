// Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case, read as Go's net/http does
// (golang.org/x/net/http/httpproxy), and so as Docker's users know them. daemon.json's `proxies` come as these too.

import { BlockList, isIP } from "node:net";

/**
 * For fetch's `proxy`: none, whatever the environment says. Without it Bun reads the environment by rules of its own,
 * in which loopback goes through a proxy and NO_PROXY knows no networks. Its types don't have it.
 */
export const DIRECT = false as unknown as string;

/** @returns the proxy's URL; undefined: none. Loopback is always direct. */
export function proxyFor(url: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  const read = (name: string) => env[name] || env[name.toLowerCase()] || undefined;
  const proxy = protocol === "https:" ? read("HTTPS_PROXY") : read("HTTP_PROXY");
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (proxy === undefined || host === "localhost" || isIn("127.0.0.0/8", host) || host === "::1") return undefined;
  const actual = port || (protocol === "https:" ? "443" : "80");
  const direct = (read("NO_PROXY") ?? "").split(",").some((entry) => matches(entry.trim().toLowerCase(), host, actual));
  return direct ? undefined : /^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  if (entry.includes("/")) return isIn(entry, host);
  const bare = entry.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return bare === host;
  const [, name = entry, only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const inner = name.replace(/^\[|\]$/g, "");
  if (isIP(inner) !== 0) return inner === host;
  const suffix = name.replace(/^\*/, "");
  // ".example.com" is what is below it; "example.com" is itself too.
  return suffix.startsWith(".") ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function isIn(network: string, host: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, family === 4 ? "ipv4" : "ipv6");
}
