// From a question to an answer: ours if the zone knows the name, else undefined (the question is to be forwarded).
// Packets by dns-packet; RFC 1035, RFC 6891 (EDNS size), RFC 8482 (ANY).

import packet from "dns-packet";
import { formatAddress } from "../address.ts";
import type { Zone } from "./zone.ts";

/** Seconds; low, since containers come and go (Docker: 600, with a cache that goes stale). */
const TTL = 10;
const PLAIN_UDP_SIZE = 512;

export interface Query {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** How much the asker takes by UDP. */
  readonly udpSize: number;
  readonly packet: packet.DecodedPacket;
}

/** Undefined for what is not one plain question: not answered at all (it may be an attack by reflection). */
export function readQuery(bytes: Uint8Array): Query | undefined {
  let decoded: packet.DecodedPacket;
  try {
    decoded = packet.decode(Buffer.from(bytes));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
  const [question, ...more] = decoded.questions ?? [];
  if (decoded.type !== "query" || question === undefined || more.length > 0) return undefined;
  const edns = decoded.additionals?.find((record) => record.type === "OPT");
  const udpSize =
    edns !== undefined && "udpPayloadSize" in edns ? Math.max(edns.udpPayloadSize, PLAIN_UDP_SIZE) : PLAIN_UDP_SIZE;
  return { id: decoded.id ?? 0, name: question.name, type: question.type, udpSize, packet: decoded };
}

/** The zone's answer for the asker, or undefined when the name is not ours. */
export function answerFromZone(zone: Zone, asker: string, query: Query): Uint8Array | undefined {
  if (query.type === "PTR") {
    const address = addressOfPointer(query.name);
    const name = address === undefined ? undefined : zone.pointer(asker, address);
    if (name === undefined) return undefined;
    return encode(query, "NOERROR", [{ type: "PTR", name: query.name, ttl: TTL, class: "IN", data: name }]);
  }
  const known = zone.addresses(asker, query.name, query.type === "AAAA" ? 6 : 4);
  if (known === undefined) return undefined;
  if (query.type !== "A" && query.type !== "AAAA") return encode(query, "NOERROR", []);
  const type = query.type;
  return encode(
    query,
    "NOERROR",
    shuffled(known).map((data) => ({ type, name: query.name, ttl: TTL, class: "IN", data })),
  );
}

export function failure(query: Query, code: "SERVFAIL" | "NXDOMAIN" | "REFUSED"): Uint8Array {
  return encode(query, code, []);
}

/** An answer that is too long for UDP becomes an empty one with the truncation bit: the asker comes again by TCP. */
export function fitUdp(query: Query, answer: Uint8Array): Uint8Array {
  return answer.length <= query.udpSize ? answer : encode(query, "NOERROR", [], packet.TRUNCATED_RESPONSE);
}

const RCODE = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

function encode(query: Query, code: keyof typeof RCODE, answers: packet.Answer[], flags = 0): Uint8Array {
  const desired = (query.packet.flags ?? 0) & packet.RECURSION_DESIRED;
  return packet.encode({
    type: "response",
    id: query.id,
    flags: flags | desired | packet.RECURSION_AVAILABLE | RCODE[code],
    questions: query.packet.questions ?? [],
    answers,
  });
}

/** "2.0.17.172.in-addr.arpa" → "172.17.0.2"; the same for ip6.arpa's nibbles. */
function addressOfPointer(name: string): string | undefined {
  const lower = name.toLowerCase();
  const v4 = lower.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/);
  if (v4 !== null) return v4.slice(1).reverse().join(".");
  const v6 = lower.match(/^((?:[0-9a-f]\.){32})ip6\.arpa$/);
  if (v6?.[1] === undefined) return undefined;
  return formatAddress({ family: 6, value: BigInt(`0x${v6[1].replaceAll(".", "").split("").reverse().join("")}`) });
}

/** Round robin for a name that several containers share. */
function shuffled(addresses: readonly string[]): string[] {
  const list = [...addresses];
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [list[index], list[other]] = [list[other] ?? "", list[index] ?? ""];
  }
  return list;
}
