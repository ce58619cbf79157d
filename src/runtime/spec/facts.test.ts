import { expect, test } from "bun:test";
import { hasProfile } from "../apparmor/load.ts";
import { PROFILE_NAME, profileText } from "../apparmor/profile.ts";
import { capabilityNames } from "./capabilities.ts";
import { atLeast, parseKernel, parseLimits, probeHost } from "./facts.ts";
import { splitDevice } from "./resources.ts";

test("capabilities by bit", () => {
  expect(capabilityNames(0x20_0001n)).toEqual(["CAP_CHOWN", "CAP_SYS_ADMIN"]);
  expect(capabilityNames(1n << 40n)).toEqual(["CAP_CHECKPOINT_RESTORE"]);
});

test("kernel versions as distributions write them", () => {
  expect(parseKernel("6.1.0-18-amd64")).toEqual([6, 1]);
  expect(parseKernel("5.10-rc3")).toEqual([5, 10]);
  expect([atLeast([6, 1], [5, 12]), atLeast([5, 12], [5, 12]), atLeast([5, 4], [5, 12])]).toEqual([true, true, false]);
});

test("hard limits", () => {
  const limits = parseLimits(
    "Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 20000                files     \n",
  );
  expect(Object.fromEntries(limits)).toEqual({ cpu: Infinity, nofile: 20_000 });
});

test("device numbers past eight bits", () => {
  expect(splitDevice(0x801)).toEqual({ major: 8, minor: 1 });
  expect(splitDevice(0x1_0fff_ffff)).toMatchObject({ major: 0xfff });
});

test("this host", async () => {
  const facts = await probeHost();
  expect(facts.cpus).toBeGreaterThan(0);
  expect(facts.kernel[0]).toBeGreaterThanOrEqual(5);
  expect(facts.kernelCapabilities).toContain("CAP_SYS_ADMIN");
  expect(facts.hardLimits.get("nofile")).toBeGreaterThan(0);
  expect(facts.support.cpus).toMatch(/^0/);
});

test("AppArmor's profile keeps the kernel's files shut", () => {
  const text = profileText({ abi: true, tunables: true, base: true });
  expect(text).toContain(`profile "${PROFILE_NAME}" flags=(attach_disconnected,mediate_deleted) {`);
  for (const rule of ["deny mount,", "deny @{PROC}/sysrq-trigger rwklx,", "deny network alg,"])
    expect(text).toContain(rule);
  expect(profileText({ abi: false, tunables: false, base: false })).not.toContain("#include");
  expect(hasProfile("docker-default (enforce)\nhoy-default (enforce)\n", "hoy-default")).toBe(true);
  expect(hasProfile("hoy-default-2 (enforce)\n", "hoy-default")).toBe(false);
});
