import { expect, test } from "bun:test";
import { builderSettings } from "./builder-settings.ts";

test("Docker's keys", () => {
  expect(builderSettings({})).toEqual({
    enabled: true,
    space: { reserved: undefined, maxUsed: undefined, minFree: undefined },
    policies: undefined,
    entitlements: { networkHost: true, insecure: false },
    history: { maxEntries: 50, maxAgeMs: 172_800_000 },
  });
  const policy = [
    { keepStorage: "10GB", filter: ["unused-for=2h30m", "type=exec.cachemount"] },
    { maxUsedSpace: 5, all: true },
  ];
  expect(
    builderSettings({ gc: { enabled: false, defaultKeepStorage: "20GB", defaultMinFreeSpace: "10%", policy } }),
  ).toEqual({
    enabled: false,
    space: { reserved: 20 * 1024 ** 3, maxUsed: undefined, minFree: "10%" },
    policies: [
      {
        all: false,
        space: { reserved: 10 * 1024 ** 3, maxUsed: undefined, minFree: undefined },
        unusedForMs: 9_000_000,
        filters: { type: ["exec.cachemount"] },
      },
      {
        all: true,
        space: { reserved: undefined, maxUsed: 5, minFree: undefined },
        unusedForMs: undefined,
        filters: {},
      },
    ],
    entitlements: { networkHost: true, insecure: false },
    history: { maxEntries: 50, maxAgeMs: 172_800_000 },
  });
});

test.each<[unknown, string]>([
  [[], '"builder": must be an object'],
  [{ history: { maxAge: "two days" } }, "is not a time"],
  [{ history: { maxEntries: 1e6 } }, '"builder.history.maxEntries": must be a number up to'],
  [{ entitlement: {} }, '"entitlement" is none of gc'],
  [{ entitlements: { "security-insecure": "yes" } }, '"builder.entitlements.security-insecure": must be true'],
  [{ entitlements: { device: true } }, '"device" is none of network-host'],
  [{ gc: { enabled: "yes" } }, '"builder.gc.enabled"'],
  [{ gc: { defaultKeepStorage: "much" } }, '"builder.gc.defaultKeepStorage": must be a size'],
  [{ gc: { defaultKeepStorage: -1 } }, "must be a size"],
  [{ gc: { keepstorage: "1GB" } }, '"keepstorage" is none of'],
  [{ gc: { policy: {} } }, '"builder.gc.policy": must be a list'],
  [{ gc: { policy: [{ all: 1 }] } }, '"builder.gc.policy[0].all"'],
  [{ gc: { policy: [{}, { filter: "a" }] } }, '"builder.gc.policy[1].filter"'],
  [{ gc: { policy: [{ filter: ["unused-for=soon"] }] } }, '"soon" is not a time'],
  [{ gc: { policy: [{ filter: ["age=1h"] }] } }, '"age=1h" is none of unused-for'],
])("%j is refused", (value, words) => {
  expect(() => builderSettings(value)).toThrow(words);
});
