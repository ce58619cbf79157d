// What other programs' firewalls do to the traffic of hoy's bridges: found, told, never changed. A packet that one base
// chain accepts still meets the others (nft(8), "base chains"), so a forward chain of ufw, firewalld or dockerd that drops
// what it does not know drops what containers send, and no rule of ours can overrule it (docs/decisions/other-firewalls.md).

import { log } from "../base/log.ts";
import { hasLegacyFilter, legacyForward } from "../linux/iptables.ts";
import { nft } from "../linux/nftables.ts";

export interface Wall {
  /** "ip filter FORWARD". */
  readonly chain: string;
  /** What opens it for the bridges, as a user would type it. */
  readonly command: string;
}

/** Chains in the way of what the bridges forward, in the calling thread's network namespace. @throws NftablesError. */
export function findWalls(bridges: readonly string[]): Wall[] {
  const [first] = bridges;
  if (first === undefined) return [];
  const chains = forwardChains(nft("list chains"));
  return [
    ...legacyWalls(bridges),
    ...chains.flatMap(({ family, table, chain, drops }): Wall[] => {
      const text = nft(`list chain ${family} ${table} ${chain}`);
      if (!drops && !endsInDrop(text)) return [];
      const whole = nft(`list table ${family} ${table}`);
      const closed = bridges.filter((bridge) => !lets(whole, bridge));
      return closed.map((bridge) => ({
        chain: `${family} ${table} ${chain}`,
        command: opening(family, table, chain, whole, bridge),
      }));
    }),
  ];
}

/** Of the older iptables. Distributions that have both call it by its long name. */
function legacyWalls(bridges: readonly string[]): Wall[] {
  return ([4, 6] as const).flatMap((family) => {
    const forward = legacyForward(family);
    if (forward === undefined || !forward.drops) return [];
    const short = family === 4 ? "iptables" : "ip6tables";
    const program = Bun.which(`${short}-legacy`) === null ? short : `${short}-legacy`;
    const closed = bridges.filter((bridge) => !forward.lets.includes(bridge));
    return closed.map((bridge) => ({
      chain: `${short} filter FORWARD`,
      command: `${program} -I FORWARD -i ${bridge} -j ACCEPT && ${program} -I FORWARD -o ${bridge} -j ACCEPT`,
    }));
  });
}

/**
 * Whether some other program has rules on what is forwarded, in the calling thread's network namespace: they may ask for the
 * state of connections, also of those within one bridge. Where it can't be known it is taken to be so.
 */
export function othersFilter(): boolean {
  try {
    return forwardChains(nft("list chains")).length > 0 || ([4, 6] as const).some(hasLegacyFilter);
  } catch (error) {
    log.warn("other firewalls' rules could not be read", { error });
    return true;
  }
}

interface ForwardChain {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Its policy is drop. */
  readonly drops: boolean;
}

/** Other programs' base chains on the forward hook, from the text of `nft list chains`. */
export function forwardChains(text: string): ForwardChain[] {
  const found: ForwardChain[] = [];
  let [family, table, chain] = ["", "", ""];
  for (const line of text.split("\n")) {
    const opened = /^table (ip|ip6|inet) (\S+) \{/.exec(line) ?? (line.startsWith("table ") ? ["", "", ""] : null);
    if (opened !== null) [, family = "", table = ""] = opened;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const base = /^\t\ttype filter hook forward .*?(?:policy (\w+);)?\s*$/.exec(line);
    if (base === null || family === "" || /^hoy/.test(table)) continue;
    found.push({ family, table, chain, drops: base[1] === "drop" });
  }
  return found;
}

/** firewalld's chain has the policy accept and ends in a reject for everything. */
function endsInDrop(text: string): boolean {
  const rules = text.split("\n").filter((line) => line.startsWith("\t\t") && !/^\t\ttype /.test(line));
  return /^\t\t(?:counter packets \d+ bytes \d+ )?(?:drop|reject(?: with .*)?)$/.test(rules.at(-1) ?? "");
}

/** A guess that errs to silence: some rule of the table names the bridge as where packets come from or go to, and accepts. */
function lets(table: string, bridge: string): boolean {
  const lines = table.split("\n").filter((line) => line.includes(`"${bridge}"`));
  return lines.some((line) => /\b(?:accept|jump|goto)\b/.test(line));
}

function opening(family: string, table: string, chain: string, whole: string, bridge: string): string {
  const program = family === "ip6" ? "ip6tables" : "iptables";
  if (table === "firewalld") {
    return `firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`;
  }
  if (/\tchain ufw6?-before-forward /.test(whole)) {
    return `ufw route allow in on ${bridge} && ufw route allow out on ${bridge}`;
  }
  if (/\tchain DOCKER-USER /.test(whole)) {
    return `${program} -I DOCKER-USER -i ${bridge} -j ACCEPT && ${program} -I DOCKER-USER -o ${bridge} -j ACCEPT`;
  }
  if (table === "filter" && chain === "FORWARD") {
    return `${program} -I FORWARD -i ${bridge} -j ACCEPT && ${program} -I FORWARD -o ${bridge} -j ACCEPT`;
  }
  const rule = (side: string) => `nft insert rule ${family} ${table} ${chain} ${side} ${bridge} accept`;
  return `${rule("iifname")} && ${rule("oifname")}`;
}
