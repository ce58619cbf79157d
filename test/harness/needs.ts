// What tests need of the machine. A test whose need is not met is skipped under a name that says what was missing.

import { describe, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { sshdProgram } from "./openssh.ts";

export const have = {
  docker: Bun.which("docker") !== null,
  dockerRegistry: Bun.which("docker-registry") !== null,
  chromium: Bun.which("chromium") !== null,
  runc: Bun.which("runc") !== null,
  openssl: Bun.which("openssl") !== null,
  sshd: sshdProgram() !== undefined,
  apparmor: existsSync("/sys/kernel/security/apparmor/profiles") && Bun.which("apparmor_parser") !== null,
  systemd: Bun.which("systemd-run") !== null,
  bridgeFilter: existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables"),
  legacyIptables: Bun.which("iptables-legacy") !== null && existsSync("/proc/net/ip_tables_names"),
  erofs: /\berofs$/m.test(readFileSync("/proc/filesystems", "utf8")),
} as const;

const WORDS: Readonly<Record<keyof typeof have, string>> = {
  docker: "no docker client on PATH",
  dockerRegistry: "no docker-registry on PATH",
  chromium: "no chromium on PATH",
  runc: "no runc on PATH",
  openssl: "no openssl on PATH",
  sshd: "no sshd and ssh client: openssh-server, which scripts/setup --tests unpacks",
  apparmor: "this kernel has no AppArmor, or there is no apparmor_parser",
  systemd: "no systemd here",
  bridgeFilter: "this kernel shows no bridged packets to firewalls (br_netfilter)",
  legacyIptables: "no iptables-legacy on PATH, or this kernel has no tables of it",
  erofs: "this kernel has no EROFS",
};

export function testWith(need: keyof typeof have, name: string, body: () => void | Promise<void>): void {
  if (have[need]) test(name, body);
  else test.skip(`${name} (skipped: ${WORDS[need]})`, body);
}

/** Skipped as one: what is listed of it is its name, with what was missing. */
export function describeWith(need: keyof typeof have, name: string, body: () => void): void {
  if (have[need]) describe(name, body);
  else test.skip(`${name} (skipped: ${WORDS[need]})`, () => undefined);
}
