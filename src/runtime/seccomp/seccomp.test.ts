import { describe, expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import type { OciSeccomp } from "../oci.ts";
import { DEFAULT_CAPABILITIES } from "../spec/capabilities.ts";
import { seccompFor } from "./seccomp.ts";

const TARGET = { architecture: "amd64", kernel: [6, 1] as const, supported: true, capabilities: DEFAULT_CAPABILITIES };
const builtin = (capabilities: readonly string[] = DEFAULT_CAPABILITIES, more: object = {}) =>
  seccompFor({ ...TARGET, profile: "builtin", capabilities, ...more });

const rulesFor = (filter: OciSeccomp | undefined, name: string) =>
  (filter?.syscalls ?? []).filter((rule) => rule.names.includes(name));
/** Allowed whatever the arguments. */
const allows = (filter: OciSeccomp | undefined, name: string) =>
  rulesFor(filter, name).some((rule) => rule.action === "SCMP_ACT_ALLOW" && rule.args === undefined);

describe("the default profile", () => {
  test("lets ordinary work through and answers the rest with EPERM", () => {
    const filter = builtin();
    expect(filter).toMatchObject({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1 });
    for (const name of ["read", "openat2", "execve", "futex", "io_setup", "ptrace", "chroot", "mknod", "socketpair"]) {
      expect([name, allows(filter, name)]).toEqual([name, true]);
    }
    const refused =
      "mount umount2 setns unshare keyctl add_key request_key bpf kexec_load init_module open_by_handle_at";
    for (const name of `${refused} perf_event_open userfaultfd io_uring_setup reboot swapon`.split(" ")) {
      expect([name, rulesFor(filter, name)]).toEqual([name, []]);
    }
  });

  test("clone is allowed without namespaces, clone3 does not exist", () => {
    expect(rulesFor(builtin(), "clone")).toEqual([
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ]);
    expect(rulesFor(builtin(), "clone3")).toEqual([{ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }]);
    expect(rulesFor(builtin(DEFAULT_CAPABILITIES, { architecture: "s390x" }), "clone")[0]?.args?.[0]?.index).toBe(1);
  });

  test("CAP_SYS_ADMIN opens what needs it, each capability its own", () => {
    const admin = builtin([...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"]);
    for (const name of ["mount", "setns", "unshare", "clone", "clone3", "bpf"]) expect(allows(admin, name)).toBe(true);
    expect(rulesFor(admin, "clone3")).toHaveLength(1);
    expect(allows(builtin(["CAP_SYS_TIME"]), "clock_settime")).toBe(true);
    expect(allows(builtin(["CAP_SYS_TIME"]), "chroot")).toBe(false);
    expect(allows(builtin(["CAP_BPF"]), "bpf")).toBe(true);
  });

  test("sockets of every family but AF_ALG and AF_VSOCK", () => {
    const args = rulesFor(builtin(), "socket").map((rule) => rule.args?.[0]);
    const passes = (family: number) =>
      args.some((arg) => {
        if (arg?.op === "SCMP_CMP_LT") return family < arg.value;
        return arg?.op === "SCMP_CMP_GT" ? family > arg.value : family === arg?.value;
      });
    expect([1, 2, 10, 16, 17, 39, 41].map(passes)).toEqual(Array(7).fill(true));
    expect([38, 40].map(passes)).toEqual([false, false]);
  });

  test("depends on machine and kernel", () => {
    expect(builtin()?.architectures).toEqual(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    expect(builtin(undefined, { architecture: "arm64" })?.architectures).toEqual([
      "SCMP_ARCH_AARCH64",
      "SCMP_ARCH_ARM",
    ]);
    expect(allows(builtin(), "arch_prctl")).toBe(true);
    expect(allows(builtin(undefined, { architecture: "arm64" }), "arch_prctl")).toBe(false);
    expect(allows(builtin(undefined, { kernel: [4, 7] }), "ptrace")).toBe(false);
  });
});

describe("a profile of the user's", () => {
  const custom = (profile: unknown, more: object = {}) =>
    seccompFor({ ...TARGET, profile: typeof profile === "string" ? profile : JSON.stringify(profile), ...more });

  test("includes and excludes are resolved for the container", () => {
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: null }],
      syscalls: [
        { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 5, comment: "kept" },
        { name: "rmdir", action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_SYS_ADMIN"] } },
        { names: ["unlink"], action: "SCMP_ACT_ERRNO", excludes: { arches: ["amd64"] } },
        { names: ["link"], action: "SCMP_ACT_ERRNO", includes: { minKernel: "6.2" } },
        { name: "chmod", action: "SCMP_ACT_ERRNO", args: [{ index: 1, value: 511, op: "SCMP_CMP_EQ" }] },
      ],
    };
    expect(custom(profile)).toEqual({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [
        { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 5 },
        { names: ["chmod"], action: "SCMP_ACT_ERRNO", args: [{ index: 1, value: 511, op: "SCMP_CMP_EQ" }] },
      ],
    });
  });

  test("an empty one means no filter", () => {
    expect(custom({})).toBeUndefined();
    expect(seccompFor({ ...TARGET, profile: "unconfined" })).toBeUndefined();
  });

  test.each([
    ["not JSON", "{"],
    ["a list", []],
    ["rules that are none", { defaultAction: "SCMP_ACT_ALLOW", syscalls: [1] }],
    ["names that are none", { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: "read", action: "x" }] }],
    ["no names", { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ action: "x" }] }],
    ["a seventh argument", { syscalls: [{ names: ["a"], action: "x", args: [{ index: 6, op: "SCMP_CMP_EQ" }] }] }],
    ["a bad kernel", { syscalls: [{ names: ["a"], action: "x", includes: { minKernel: "six" } }] }],
  ])("%s is refused", (_, profile) => {
    expect(() => custom(profile)).toThrow("Decoding seccomp profile failed");
    expect(() => custom(profile)).toThrow(HoyError);
  });

  test("says one thing in one way only", () => {
    const both = { archMap: [{ architecture: "SCMP_ARCH_X86_64" }], architectures: ["SCMP_ARCH_X86"] };
    expect(() => custom(both)).toThrow("use either 'architectures' or 'archMap'");
    expect(() => custom({ syscalls: [{ name: "a", names: ["b"], action: "x" }] })).toThrow(
      "use either 'name' or 'names'",
    );
  });

  test("needs a kernel with seccomp; the default one goes without", () => {
    expect(() => custom({ defaultAction: "SCMP_ACT_ALLOW" }, { supported: false })).toThrow(
      "not enabled in your kernel",
    );
    expect(builtin(undefined, { supported: false })).toBeUndefined();
  });
});
