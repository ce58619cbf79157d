// Ports as EXPOSE and configs write them: "80", "53/udp", "8000-8005/tcp" (docker/go-connections, nat).

import { HoyError } from "../base/error.ts";

const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);

/** "8000-8001" → ["8000/tcp", "8001/tcp"]. @throws HoyError "invalid" */
export function parsePorts(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([A-Za-z]+))?$/.exec(text);
  if (match === null) throw new HoyError("invalid", `invalid containerPort: ${text}`);
  const protocol = (match[3] ?? "tcp").toLowerCase();
  if (!PROTOCOLS.has(protocol)) throw new HoyError("invalid", `invalid proto: ${match[3]}`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > 65535 || last > 65535 || last < first) {
    throw new HoyError("invalid", `invalid containerPort: ${text}`);
  }
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
