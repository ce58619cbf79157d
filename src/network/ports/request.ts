// What `-p` and `-P` ask for, from the API's PortBindings to one list of wishes. Nothing is bound here.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { parseAddress } from "../address.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface PortWish {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** "" : all addresses of the host. */
  readonly hostIp: string;
  /** First and last acceptable; 0–0: any free one. */
  readonly first: number;
  readonly last: number;
}

/** @throws HoyError "invalid" in Docker's words. */
export function portWishes(
  hostConfig: Pick<HostConfig, "PortBindings" | "PublishAllPorts">,
  exposed: readonly string[],
  defaultIp: string,
): PortWish[] {
  const wishes: PortWish[] = [];
  const bindings = hostConfig.PortBindings ?? {};
  for (const [key, list] of Object.entries(bindings)) {
    const { port, protocol } = parseContainerPort(key);
    for (const binding of list ?? []) {
      const hostIp = checkHostIp(binding.HostIp ?? "", defaultIp);
      wishes.push({ protocol, containerPort: port, hostIp, ...parseHostPort(binding.HostPort ?? "") });
    }
  }
  if (!hostConfig.PublishAllPorts) return wishes;
  for (const key of exposed) {
    if ((bindings[key]?.length ?? 0) > 0) continue;
    const { port, protocol } = parseContainerPort(key);
    wishes.push({ protocol, containerPort: port, hostIp: checkHostIp("", defaultIp), first: 0, last: 0 });
  }
  return wishes;
}

/** "80", "80/udp". */
export function parseContainerPort(text: string): { port: number; protocol: Protocol } {
  const [digits = "", protocol = "tcp", ...rest] = text.split("/");
  const port = portNumber(digits);
  if (port === undefined || port === 0 || rest.length > 0)
    throw new HoyError("invalid", `invalid port specification: "${text.slice(0, 60)}"`);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") {
    throw new HoyError(
      "invalid",
      `invalid port specification: unknown protocol "${protocol.slice(0, 20)}" in "${text.slice(0, 60)}"`,
    );
  }
  return { port, protocol };
}

function parseHostPort(text: string): { first: number; last: number } {
  if (text === "") return { first: 0, last: 0 };
  const [from = "", to = from, ...rest] = text.split("-");
  const first = portNumber(from);
  const last = portNumber(to);
  if (first === undefined || last === undefined || last < first || rest.length > 0) {
    throw new HoyError("invalid", `invalid port specification: "${text.slice(0, 60)}"`);
  }
  return { first, last };
}

function portNumber(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function checkHostIp(text: string, defaultIp: string): string {
  const chosen = text === "" ? defaultIp : text.replace(/^\[|\]$/g, "");
  if (chosen === "" || (text === "" && chosen === "0.0.0.0")) return "";
  parseAddress(chosen);
  return chosen;
}
