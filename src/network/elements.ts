// Elements of the rules' maps by nfnetlink itself: what a start with a published port adds, in a tenth of the time that
// libnftables takes to read the same from text. The table, and its maps' types, are firewall.ts's.
// Numbers: <linux/netfilter/nfnetlink.h>, <linux/netfilter/nf_tables.h>. A part of a concatenated key or value takes a
// multiple of four bytes; numbers in it are big endian.

import { Netlink, NLM_F, PROTOCOL, type Request } from "../linux/netlink.ts";
import * as nl from "../linux/netlink-message.ts";
import { addressBytes, parseAddress } from "./address.ts";
import { type FirewallPort, mapsOf, type TableName } from "./firewall.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const BATCH = { BEGIN: 0x10, END: 0x11 } as const;
const NFT_MSG = { NEWSETELEM: 12, DELSETELEM: 14 } as const;
const NFPROTO = { UNSPEC: 0, INET: 1 } as const;
const LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const NFTA_LIST_ELEM = 1;
const ELEM = { KEY: 1, DATA: 2 } as const;
const NFTA_DATA_VALUE = 1;
const IPPROTO = { tcp: 6, udp: 17, sctp: 132 } as const;
/** An attribute ends at 64 KiB, and an element takes less than a hundred bytes. */
const PER_MESSAGE = 500;

interface Element {
  readonly set: string;
  readonly key: Uint8Array;
  /** undefined: of a set, not a map. */
  readonly value: Uint8Array | undefined;
}

/** The maps of a table in the network namespace in which it was made. */
export class Elements implements Disposable {
  readonly #socket = new Netlink(PROTOCOL.NETFILTER);
  readonly #table: string;

  constructor(table: TableName) {
    this.#table = table.replace(/^inet /, "");
  }

  /**
   * Takes ports out and puts others in, in one transaction. One that is in both is in afterwards; one that is there already
   * may be put in again.
   * @throws SystemError "ENOENT" when the table, or a port to take out, is not there; nothing is changed then.
   */
  change(out: readonly FirewallPort[], into: readonly FirewallPort[]): void {
    const requests = [
      ...this.#requests(NFT_MSG.DELSETELEM, 0, elementsOf(out, false)),
      ...this.#requests(NFT_MSG.NEWSETELEM, NLM_F.CREATE, elementsOf(into, true)),
    ];
    const last = requests.pop();
    if (last === undefined) return;
    this.#socket.batch("published ports", [
      { type: BATCH.BEGIN, flags: 0, parts: [nfgenmsg(NFPROTO.UNSPEC, NFNL_SUBSYS_NFTABLES)] },
      ...requests,
      { ...last, flags: last.flags | NLM_F.ACK },
      { type: BATCH.END, flags: 0, parts: [nfgenmsg(NFPROTO.UNSPEC, NFNL_SUBSYS_NFTABLES)] },
    ]);
  }

  #requests(type: number, flags: number, elements: readonly Element[]): Request[] {
    const requests: Request[] = [];
    for (const [set, all] of Map.groupBy(elements, (element) => element.set)) {
      for (let from = 0; from < all.length; from += PER_MESSAGE) {
        const list = all.slice(from, from + PER_MESSAGE).map(encode);
        const parts = [
          nfgenmsg(NFPROTO.INET, 0),
          nl.attributeText(LIST.TABLE, this.#table),
          nl.attributeText(LIST.SET, set),
          nl.nested(LIST.ELEMENTS, list),
        ];
        requests.push({ type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, parts });
      }
    }
    return requests;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Each once: two ports may share an element (of "own"), and the kernel takes none out twice. */
function elementsOf(ports: readonly FirewallPort[], values: boolean): Element[] {
  const found = new Map<string, Element>();
  for (const port of ports) {
    const { family, protocol, hostIp, hostPort, containerIp, containerPort } = port;
    const [from, to] = [proto(protocol), addressBytes(parseAddress(containerIp))];
    const maps = mapsOf(family, hostIp);
    const own = { set: maps.own, key: nl.concat([to, from, service(hostPort)]), value: undefined };
    const host = hostIp === undefined ? [] : [addressBytes(parseAddress(hostIp))];
    const published = { set: maps.published, key: nl.concat([from, ...host, service(hostPort)]) };
    const value = values ? nl.concat([to, service(containerPort)]) : undefined;
    for (const element of [own, { ...published, value }]) found.set(`${element.set} ${element.key.toHex()}`, element);
  }
  return [...found.values()];
}

function encode({ key, value }: Element): Uint8Array {
  return nl.nested(NFTA_LIST_ELEM, [
    nl.nested(ELEM.KEY, [nl.attribute(NFTA_DATA_VALUE, key)]),
    ...(value === undefined ? [] : [nl.nested(ELEM.DATA, [nl.attribute(NFTA_DATA_VALUE, value)])]),
  ]);
}

function proto(protocol: FirewallPort["protocol"]): Uint8Array {
  return Uint8Array.of(IPPROTO[protocol], 0, 0, 0);
}

function service(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff, 0, 0);
}

/** struct nfgenmsg: family, version, resource (big endian). */
function nfgenmsg(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, 0, resource);
}
