// EXPOSE: `[ip:][host:]port[-port][/protocol]`; only the container's side is kept (BuildKit, convert_expose.go).

import { isIP } from "node:net";
import { Fault } from "../dockerfile/fault.ts";
import type { Words } from "../dockerfile/instructions/types.ts";
import { checkPort } from "../lint/stage.ts";
import type { Scope } from "./scope.ts";

const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);
const HIGHEST = 65_535;

export function expose(scope: Scope, instruction: Words): void {
  const words = instruction.words.flatMap((word) => scope.expandWords(word));
  const ports = words.flatMap((word) => readPort(word, scope, instruction));
  const known = Object.entries(scope.config.ExposedPorts ?? {});
  scope.configure({ ExposedPorts: Object.fromEntries([...known, ...ports.map((port) => [port, {}] as const)]) });
  scope.commit(`EXPOSE [${ports.join(" ")}]`);
}

function readPort(word: string, scope: Scope, { range }: Words): string[] {
  const parts = word.split(":");
  const container = parts.at(-1) ?? "";
  const host = parts.length > 1 ? (parts.at(-2) ?? "") : "";
  const ip = parts.slice(0, -2).join(":");
  const [, port = "", protocol = "tcp"] = /^([^/]*)(?:\/(.*))?$/s.exec(container) ?? [];
  const proto = protocol === "" ? "tcp" : protocol;
  const lower = proto.toLowerCase();
  if (port === "") throw new Fault(`invalid port: ${JSON.stringify(word)}: no port specified`);
  if (!PROTOCOLS.has(lower)) throw new Fault(`invalid port: ${JSON.stringify(word)}: invalid proto: ${proto}`);
  checkPort(word, { mapped: ip !== "" || host !== "", capital: proto !== lower }, range, scope.linter);
  const address = ip.replace(/^\[(.*)\]$/, "$1");
  if (address !== "" && isIP(address) === 0) throw new Fault(`invalid IP address: ${address}`);
  const [first, last] = readRange(port) ?? fail(`invalid containerPort: ${port}`);
  if (host !== "") {
    const [hostFirst, hostLast] = readRange(host) ?? fail(`invalid hostPort: ${host}`);
    if (last - first !== hostLast - hostFirst && last !== first) {
      throw new Fault(`invalid ranges specified for container and host Ports: ${port} and ${host}`);
    }
  }
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${lower}`);
}

function readRange(text: string): [number, number] | undefined {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first > HIGHEST || last > HIGHEST || last < first ? undefined : [first, last];
}

function fail(message: string): never {
  throw new Fault(message);
}
