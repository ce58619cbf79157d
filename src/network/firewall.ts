// The rules of hoy, all in one table of its own, `inet hoy`: which networks are masqueraded, what may pass between them,
// and where published ports lead. Text in nft(8)'s language, from what should be; never a look at, or a change of,
// anyone else's table. `load` replaces the whole table in one transaction (the daemon's start, a change of networks);
// ports come and go as elements of its maps, one small transaction each (elements.ts).
//
// Known limit: a rule that accepts here can't overrule one that drops in another table (nft(8), "base chains"): where
// another program's forward policy is drop, it must let hoy's bridges pass.

import type { Family } from "./address.ts";

export interface FirewallNetwork {
  readonly bridge: string;
  readonly subnets: readonly { readonly family: Family; readonly cidr: string }[];
  readonly masquerade: boolean;
  /** No way in or out but between its own containers. */
  readonly internal: boolean;
  /** As it is when the table is loaded; undefined: it is not there. */
  readonly link: BridgeLink | undefined;
}

export interface BridgeLink {
  readonly index: number;
  /** undefined: it may change with the bridge's ports. */
  readonly mac: string | undefined;
}

export interface FirewallPort {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** undefined: every address of the host. */
  readonly hostIp: string | undefined;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  readonly family: Family;
}

/** The table of an engine: "inet hoy", or with the engine's mark where several live side by side. */
export type TableName = `inet hoy${string}`;

export interface TableOptions {
  readonly screened?: boolean;
  readonly families?: readonly Family[];
  readonly tracked?: boolean;
}

/**
 * The whole table, replacing what was there.
 * @param options.families which families have rules at all (--iptables, --ip6tables)
 * @param options.screened what comes from outside to a published port is not redirected before the host's INPUT rules: it goes to
 *   the listener that holds the port, as to any program of the host, and so those rules mean what they say
 * @param options.tracked what stays on its bridge is known to connection tracking too, for others' rules that ask for it
 */
export function loadTable(
  table: TableName,
  networks: readonly FirewallNetwork[],
  ports: readonly FirewallPort[],
  { screened = false, families = [4, 6], tracked = false }: TableOptions = {},
): string {
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    `  set bridges { type ifname; ${elements(networks.map((network) => quote(network.bridge)))} }`,
    `  set inner { type ifname . ifname; ${elements(networks.map(({ bridge }) => `${quote(bridge)} . ${quote(bridge)}`))} }`,
    "  map published4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }",
    "  map published4_any { type inet_proto . inet_service : ipv4_addr . inet_service; }",
    "  map published6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }",
    "  map published6_any { type inet_proto . inet_service : ipv6_addr . inet_service; }",
    "  set own4 { type ipv4_addr . inet_proto . inet_service; }",
    "  set own6 { type ipv6_addr . inet_proto . inet_service; }",
    ...raw(tracked ? [] : networks, families),
    ...nat(screened),
    ...postrouting(networks, families),
    ...forward(networks, families),
    "}",
    ...portElements(
      table,
      ports.filter(({ family }) => families.includes(family)),
    ),
    "",
  ].join("\n");
}

export function deleteTable(table: TableName): string {
  return `table ${table}\ndelete table ${table}\n`;
}

/** So many networks are compared one by one, which is faster than a look-up: half a microsecond a packet is all there is. */
const FEW = 8;

/**
 * Bridges route 127.0.0.0/8 for the host's own sake (see bridge.ts); nobody on a bridge may use that to get in.
 *
 * With br_netfilter, what goes from one port of a bridge to another comes by here, a tenth slower for being tracked; and no
 * rule of ours asks for it. What goes to the host itself, and may be led on from there, comes back by the host (see
 * "hairpin"). Told apart by the frame's address, or where the bridge's own may change, by where the packet's leads.
 */
function raw(untracked: readonly FirewallNetwork[], families: readonly Family[]): string[] {
  const only = families.length === 1 ? `meta nfproto ipv${families[0]} ` : "";
  const found = untracked.flatMap(({ link, subnets }) => {
    if (link === undefined || families.length === 0) return [];
    if (link.mac !== undefined)
      return [{ index: link.index, rules: [`${only}meta pkttype host ether daddr != ${link.mac} notrack`] }];
    const within = subnets.filter(({ family }) => families.includes(family)).map(byPlace);
    return within.length === 0 ? [] : [{ index: link.index, rules: within }];
  });
  const few = found.length <= FEW;
  const chains = few ? [] : found.flatMap(({ index, rules }) => [`  chain within${index} {`, ...indent(rules), "  }"]);
  const map = found.map(({ index }) => `${index} : goto within${index}`).join(", ");
  return [
    ...chains,
    "  chain raw {",
    "    type filter hook prerouting priority raw; policy accept",
    "    ip daddr 127.0.0.0/8 iifname @bridges drop",
    ...(few ? indent(found.flatMap(({ index, rules }) => rules.map((rule) => `iif ${index} ${rule}`))) : []),
    ...(few ? [] : [`    iif vmap { ${map} }`]),
    "  }",
  ];
}

function byPlace({ family, cidr }: FirewallNetwork["subnets"][number]): string {
  const within = `${ip(family)} saddr ${cidr} ${ip(family)} daddr ${cidr}`;
  return `${within} fib daddr . iif oif exists fib daddr type unicast notrack`;
}

function indent(rules: readonly string[]): string[] {
  return rules.map((rule) => `    ${rule}`);
}

function ip(family: Family): "ip" | "ip6" {
  return family === 4 ? "ip" : "ip6";
}

const nat = (screened: boolean) => [
  "  chain prerouting {",
  "    type nat hook prerouting priority dstnat; policy accept",
  `    ${screened ? "iifname @bridges " : ""}fib daddr type local jump publish`,
  "  }",
  "  chain output {",
  "    type nat hook output priority -100; policy accept",
  "    fib daddr type local jump publish",
  "  }",
  "  chain publish {",
  // A container's way to itself by the host's address can't be routed (its packets would come from where they go): the
  // proxy on the host's port carries it.
  "    ip saddr . meta l4proto . th dport @own4 return",
  "    ip6 saddr . meta l4proto . th dport @own6 return",
  "    dnat ip to meta l4proto . ip daddr . th dport map @published4",
  "    dnat ip to meta l4proto . th dport map @published4_any",
  // From ::1 a packet can't be routed to a bridge: the proxy answers there (see ports.ts).
  "    ip6 daddr ::1 return",
  "    dnat ip6 to meta l4proto . ip6 daddr . th dport map @published6",
  "    dnat ip6 to meta l4proto . th dport map @published6_any",
  "  }",
];

function postrouting(networks: readonly FirewallNetwork[], families: readonly Family[]): string[] {
  const rules = networks.flatMap((network) => {
    const subnets = network.subnets.filter(({ family }) => families.includes(family));
    const bridge = quote(network.bridge);
    const from = (cidr: string, family: Family) => `${ip(family)} saddr ${cidr}`;
    // A container that reaches its own network's published port comes back over the same bridge: without this the answer
    // would go to it directly, from an address it never asked. (Only the output interface is known in this hook.)
    const hairpin = subnets.map(
      ({ family, cidr }) => `${from(cidr, family)} oifname ${bridge} ct status dnat masquerade`,
    );
    const out = subnets.map(({ family, cidr }) => `${from(cidr, family)} oifname != ${bridge} masquerade`);
    return [...hairpin, ...(network.masquerade && !network.internal ? out : [])];
  });
  return [
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept",
    "    ip saddr 127.0.0.0/8 oifname @bridges ct status dnat masquerade",
    ...rules.map((rule) => `    ${rule}`),
    "  }",
  ];
}

function forward(networks: readonly FirewallNetwork[], families: readonly Family[]): string[] {
  const internal = networks.filter((network) => network.internal);
  const there = networks.flatMap(({ link }) => link?.index ?? []);
  const inner =
    there.length <= FEW
      ? there.map((index) => `    iif ${index} oif ${index} accept`)
      : [`    iif . oif { ${there.map((index) => `${index} . ${index}`).join(", ")} } accept`];
  return [
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept",
    ...inner,
    ...([4, 6] as const)
      .filter((family) => !families.includes(family))
      .map((one) => `    meta nfproto ipv${one} accept`),
    ...internal.flatMap(({ bridge }) => [
      `    iifname ${quote(bridge)} oifname != ${quote(bridge)} drop`,
      `    oifname ${quote(bridge)} iifname != ${quote(bridge)} drop`,
    ]),
    // Of a bridge that was not there, or another one, when the table was loaded.
    "    iifname . oifname @inner accept",
    "    iifname != @bridges oifname != @bridges accept",
    "    ct state established,related accept",
    "    ct status dnat accept",
    // Neither from another network of ours nor from outside, unless published.
    "    oifname @bridges drop",
    "  }",
  ];
}

/** As text, for the whole table; one by one they come and go as elements.ts has it. */
function portElements(table: TableName, ports: readonly FirewallPort[]): string[] {
  const all = new Map<string, Set<string>>();
  const put = (map: string, element: string) => all.set(map, (all.get(map) ?? new Set()).add(element));
  for (const { family, protocol, hostIp, hostPort, containerIp, containerPort } of ports) {
    const maps = mapsOf(family, hostIp);
    put(maps.own, [containerIp, protocol, hostPort].join(" . "));
    const key = [protocol, ...(hostIp === undefined ? [] : [hostIp]), hostPort].join(" . ");
    put(maps.published, `${key} : ${containerIp} . ${containerPort}`);
  }
  return [...all].map(([map, items]) => `add element ${table} ${map} { ${[...items].join(", ")} }`);
}

/** The table's names for where a port has its elements. */
export function mapsOf(
  family: Family,
  hostIp: string | undefined,
): { readonly own: string; readonly published: string } {
  return { own: `own${family}`, published: `published${family}${hostIp === undefined ? "_any" : ""}` };
}

function elements(items: readonly string[]): string {
  return items.length === 0 ? "" : `elements = { ${items.join(", ")} };`;
}

/** Interface names are ours or checked by the driver; quoted so that none can be read as a word of the language. */
function quote(name: string): string {
  return `"${name}"`;
}
