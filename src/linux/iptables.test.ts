// Rules written by iptables-legacy itself, in namespaces of the test's own.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { hasLegacyFilter, type LegacyForward, legacyForward } from "./iptables.ts";
import { NetworkNamespace } from "./namespace.ts";

const PROGRAMS = { 4: "iptables-legacy", 6: "ip6tables-legacy" } as const;

/** undefined: the kernel has no such tables any more. */
function forward(family: 4 | 6, rules: readonly string[]): LegacyForward | undefined {
  using host = NetworkNamespace.create();
  expect(host.run(() => legacyForward(family))).toBeUndefined();
  for (const rule of rules) {
    const argv = [`--net=/proc/${process.pid}/fd/${host.fd}`, PROGRAMS[family], ...rule.split(" ")];
    if (spawnSync("nsenter", argv).status !== 0) return undefined;
  }
  expect(host.run(() => hasLegacyFilter(family))).toBe(true);
  return host.run(() => legacyForward(family));
}

for (const family of [4, 6] as const) {
  const missing =
    Bun.which(PROGRAMS[family]) === null
      ? `no ${PROGRAMS[family]} on PATH`
      : forward(family, ["-L FORWARD"]) === undefined
        ? "this kernel has no tables of the older iptables"
        : undefined;
  const run = (title: string, body: () => void) =>
    missing === undefined ? test(title, body) : test.skip(`${title} (skipped: ${missing})`, body);

  run(`IPv${family}: the policy, and a last rule for everything`, () => {
    expect(forward(family, ["-P FORWARD ACCEPT"])).toEqual({ drops: false, lets: [] });
    expect(forward(family, ["-P FORWARD DROP"])?.drops).toBe(true);
    expect(forward(family, ["-P INPUT DROP", "-A INPUT -j DROP"])?.drops).toBe(false);
    expect(forward(family, ["-A FORWARD -i lo -j DROP"])?.drops).toBe(false);
    expect(forward(family, ["-A FORWARD -p tcp -j REJECT"])?.drops).toBe(false);
    expect(forward(family, ["-A FORWARD -j REJECT"])?.drops).toBe(true);
    expect(forward(family, ["-A FORWARD -i lo -j ACCEPT", "-A FORWARD -j DROP"])?.drops).toBe(true);
  });

  run(`IPv${family}: whom the rules let through`, () => {
    const rules = [
      "-N mine",
      "-A FORWARD -i one -j ACCEPT",
      "-A FORWARD -o two -j mine",
      "-A FORWARD -i three -j DROP",
    ];
    expect(forward(family, rules)?.lets.toSorted()).toEqual(["one", "two"]);
  });
}
