// What of networking there is in a namespace: links, addresses, routes, rules, queues, nftables; and the named
// namespaces of the machine. By the usual programs, not by the engine's own code, which is what is looked at.

import { readdirSync } from "node:fs";
import { command } from "./command.ts";

export type NetworkState = Readonly<Record<string, readonly string[]>>;

interface LinkJson {
  readonly ifname: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

/** @param inside what to put before a command line to run it in the namespace */
export async function networkState(inside: readonly string[]): Promise<NetworkState> {
  const run = async (...argv: string[]) => {
    const { code, stdout, stderr } = await command([...inside, ...argv]);
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout;
  };
  const lines = (text: string) => text.split("\n").map((line) => line.trim());
  const [links, v4, v6, rules4, rules6, queues, nft] = await Promise.all([
    run("ip", "-j", "-d", "addr"),
    run("ip", "-4", "-o", "route", "show", "table", "all"),
    run("ip", "-6", "-o", "route", "show", "table", "all"),
    run("ip", "-4", "rule"),
    run("ip", "-6", "rule"),
    run("tc", "qdisc", "show"),
    run("nft", "-n", "list", "ruleset"),
  ]);
  const all = JSON.parse(links) as LinkJson[];
  return {
    links: all.map((link) => [link.ifname, link.linkinfo?.info_kind ?? "", link.master ?? ""].join(" ").trim()),
    addresses: all.flatMap(({ ifname, addr_info = [] }) =>
      addr_info
        // The kernel's own, which comes and goes with the carrier.
        .filter(({ local }) => !/^fe80:/.test(local))
        .map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
    ),
    routes: [...lines(v4), ...lines(v6)]
      .filter((line) => line !== "" && !/\b(?:fe80|ff00):/.test(line))
      .map((line) => line.replace(/ linkdown| pref medium|\\.*/g, "").trim())
      .sort(),
    rules: [...lines(rules4), ...lines(rules6)].filter((line) => line !== ""),
    queues: lines(queues).filter((line) => line !== "" && !/^qdisc noqueue /.test(line)),
    nft: lines(nft),
    namespaces: named(),
  };
}

/** What is in one and not in the other, part by part: what was left, or what was taken away. Nothing: they are the same. */
export function difference(before: NetworkState, after: NetworkState): string[] {
  return Object.entries(after).flatMap(([part, lines]) => {
    const old = before[part] ?? [];
    return [
      ...lines.filter((line) => !old.includes(line)).map((line) => `${part}: left: ${line}`),
      ...old.filter((line) => !lines.includes(line)).map((line) => `${part}: gone: ${line}`),
    ];
  });
}

function named(): string[] {
  try {
    return readdirSync("/run/netns");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
