// A seccomp profile as hoy holds it, whether our own or read from a user's file, and how it becomes the list that the
// OCI runtime gets: rules whose conditions this container does not meet fall away.

import type { OciSeccomp, OciSyscallRule } from "../oci.ts";

export interface Condition {
  /** All of these are in the bounding set. */
  readonly caps?: readonly string[];
  /** The machine is one of these (the profile's names: "amd64", "x86", "arm64", "s390x" …). */
  readonly arches?: readonly string[];
  /** The kernel is at least this. */
  readonly minKernel?: readonly [major: number, minor: number];
}

export interface ProfileRule extends OciSyscallRule {
  readonly when?: Condition;
  /** The rule falls away when any capability, the architecture or the kernel matches. */
  readonly unless?: Condition;
}

export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  /** SCMP_ARCH_… → the ones that its kernel also runs. */
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  /** Used as they stand when there is no map. */
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly rules: readonly ProfileRule[];
}

export interface SeccompTarget {
  /** Bounding set of the container. */
  readonly capabilities: readonly string[];
  /** Go's name: "amd64". */
  readonly architecture: string;
  readonly kernel: readonly [major: number, minor: number];
}

/** Go's name → the name in profiles, and libseccomp's. */
const ARCHITECTURES: Readonly<Record<string, readonly [profile: string, libseccomp: string]>> = {
  "386": ["x86", "SCMP_ARCH_X86"],
  amd64: ["amd64", "SCMP_ARCH_X86_64"],
  arm: ["arm", "SCMP_ARCH_ARM"],
  arm64: ["arm64", "SCMP_ARCH_AARCH64"],
  loong64: ["loongarch64", "SCMP_ARCH_LOONGARCH64"],
  mips64: ["mips64", "SCMP_ARCH_MIPS64"],
  mips64le: ["mipsel64", "SCMP_ARCH_MIPSEL64"],
  ppc64: ["ppc64", "SCMP_ARCH_PPC64"],
  ppc64le: ["ppc64le", "SCMP_ARCH_PPC64LE"],
  riscv64: ["riscv64", "SCMP_ARCH_RISCV64"],
  s390x: ["s390x", "SCMP_ARCH_S390X"],
};

/** @returns undefined for a profile that says nothing at all (no default action, no rules): it means "off" */
export function resolveProfile(profile: SeccompProfile, target: SeccompTarget): OciSeccomp | undefined {
  if (profile.defaultAction === "" && profile.rules.length === 0) return undefined;
  const [machine = target.architecture, library = ""] = ARCHITECTURES[target.architecture] ?? [];
  const mapped = profile.archMap.find((one) => one.architecture === library);
  const architectures = mapped ? [mapped.architecture, ...mapped.subArchitectures] : (profile.architectures ?? []);
  const rules = profile.rules.filter(({ when, unless }) => {
    if (when && !meetsAll(when, machine, target)) return false;
    return !(unless && meetsAny(unless, machine, target));
  });
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures.length > 0 && { architectures: [...architectures] }),
    ...(profile.flags && profile.flags.length > 0 && { flags: [...profile.flags] }),
    syscalls: rules.map(({ when: _when, unless: _unless, ...rule }) => rule),
  };
}

function meetsAll(condition: Condition, machine: string, target: SeccompTarget): boolean {
  const { caps = [], arches = [], minKernel } = condition;
  if (!caps.every((name) => target.capabilities.includes(name))) return false;
  if (arches.length > 0 && !arches.includes(machine)) return false;
  return minKernel === undefined || atLeast(target.kernel, minKernel);
}

function meetsAny(condition: Condition, machine: string, target: SeccompTarget): boolean {
  const { caps = [], arches = [], minKernel } = condition;
  if (caps.some((name) => target.capabilities.includes(name)) || arches.includes(machine)) return true;
  return minKernel !== undefined && atLeast(target.kernel, minKernel);
}

function atLeast([major, minor]: SeccompTarget["kernel"], [wantMajor, wantMinor]: readonly [number, number]): boolean {
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}
