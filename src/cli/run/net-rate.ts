// --net-rate: "10mbit" for both directions, or "egress=10mbit,ingress=50mbit,burst=64k".

import type { NetworkRate } from "../../api/types/container.ts";
import { UsageError } from "../base/errors.ts";
import { flag } from "../flag.ts";
import { parseBytes } from "../format/units.ts";

/** Bits a second, as tc(8) writes them: decimal. Its "bps" means bytes, which too many read otherwise: not taken. */
const UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

export function netRateFlag() {
  return flag.custom<NetworkRate>(
    "rate",
    "Limit network rate (10mbit | egress=RATE,ingress=RATE,burst=BYTES | none)",
    {},
    (text) => parseNetRate(text),
  );
}

/** "none" is {}. @throws UsageError */
export function parseNetRate(text: string): NetworkRate {
  if (text === "none") return {};
  if (!text.includes("=")) {
    const rate = parseRate(text);
    return { Egress: rate, Ingress: rate };
  }
  const rate: NetworkRate = {};
  for (const field of text.split(",")) {
    const [key = "", value = "", ...more] = field.split("=");
    if (more.length > 0 || value === "") throw new UsageError(`invalid --net-rate field: ${field}`);
    if (key === "egress") rate.Egress = parseRate(value);
    else if (key === "ingress") rate.Ingress = parseRate(value);
    else if (key === "burst") rate.Burst = parseBytes(value);
    else throw new UsageError(`invalid --net-rate field: ${field} (egress, ingress and burst are known)`);
  }
  if (rate.Egress === undefined && rate.Ingress === undefined)
    throw new UsageError("--net-rate needs a rate in one direction at least");
  return rate;
}

function parseRate(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(bit|kbit|mbit|gbit)$/i.exec(text) ?? [];
  const scale = UNITS[unit.toLowerCase()];
  if (scale === undefined) throw new UsageError(`invalid rate: ${text} (as in 500kbit, 10mbit, 1.5gbit)`);
  return Math.round(Number(number) * scale);
}
