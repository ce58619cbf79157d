// Platforms: "linux/arm64/v8" parsed, normalised and matched the way containerd does (containerd/platforms). An image
// for an older variant of the host's processor runs too, and 32-bit x86 runs on 64-bit.

import { HoyError } from "../base/error.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

const KNOWN_OS = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const KNOWN_ARCH = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
    "mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);
const PART = /^[A-Za-z0-9_.-]+$/;
/** The OS may carry a version and features in parentheses; Linux images do not use them. */
const OS_PART = /^([A-Za-z0-9_-]+)(?:\([A-Za-z0-9_.%+-]*\))?$/;

/** Go's names for what Node calls the processor. */
const GOARCH: Record<string, string> = {
  x64: "amd64",
  ia32: "386",
  arm: "arm",
  arm64: "arm64",
  ppc64: "ppc64le",
  riscv64: "riscv64",
  s390x: "s390x",
  loong64: "loong64",
};

/** This machine's. */
export const hostPlatform: Platform = normalizePlatform({
  os: "linux",
  architecture: GOARCH[process.arch] ?? process.arch,
});

/** @throws HoyError "invalid" in containerd's words. */
export function parsePlatform(specifier: string): Platform {
  const quoted = JSON.stringify(specifier.slice(0, 200));
  if (specifier.includes("*")) throw invalid(`${quoted}: wildcards not yet supported`);
  const [first = "", second, third, ...more] = specifier.split("/");
  const os = OS_PART.exec(first)?.[1];
  if (os === undefined) throw invalid(`${JSON.stringify(first)} is an invalid OS component of ${quoted}`);
  for (const part of [second, third]) {
    if (part !== undefined && !PART.test(part)) {
      throw invalid(
        `${JSON.stringify(part)} is an invalid component of ${quoted}: platform specifier component must match "^[A-Za-z0-9_.-]+$"`,
      );
    }
  }
  if (more.length > 0) throw invalid(`${quoted}: cannot parse platform specifier`);
  if (second !== undefined) return normalizePlatform({ os, architecture: second, variant: third });
  if (KNOWN_OS.has(normalizeOs(os))) return { ...hostPlatform, os: normalizeOs(os) };
  const alone = normalizePlatform({ os: "linux", architecture: first });
  if (!KNOWN_ARCH.has(alone.architecture)) throw invalid(`${quoted}: unknown operating system or architecture`);
  return alone;
}

/** "linux/arm64", "linux/arm/v7". */
export function formatPlatform(platform: Platform): string {
  if (platform.os === "") return "unknown";
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

export function normalizePlatform(platform: Platform): Platform {
  const { architecture, variant } = normalizeArch(platform.architecture, platform.variant ?? "");
  const os = normalizeOs(platform.os);
  return variant === "" ? { os, architecture } : { os, architecture, variant };
}

/**
 * How well an image's platform suits the wanted one: 0 is the same, more is an older variant, undefined is not at all.
 * Configs made by older builders name no variant; that counts as any (moby, OnlyPlatformWithFallback).
 */
export function platformRank(wanted: Platform, have: Platform): number | undefined {
  const target = normalizePlatform(wanted);
  const other = normalizePlatform(have);
  if (target.os !== other.os) return undefined;
  const chain = runnable(target);
  const rank = chain.findIndex(
    (one) => one.architecture === other.architecture && (one.variant ?? "") === (other.variant ?? ""),
  );
  if (rank >= 0) return rank;
  const unnamed = (have.variant ?? "") === "" && target.architecture === other.architecture;
  return unnamed ? chain.length : undefined;
}

/** What runs on a processor, best first (containerd/platforms, compare.go). */
function runnable(target: Platform): readonly Platform[] {
  const { os, architecture } = target;
  const variant = target.variant ?? "";
  const make = (arch: string, name: string): Platform => normalizePlatform({ os, architecture: arch, variant: name });
  const number = Number.parseInt(variant.replace(/^v/, ""), 10);
  switch (architecture) {
    case "amd64":
      return [target, ...countDown(number - 1, 1).map((n) => make("amd64", `v${n}`)), make("386", "")];
    case "arm":
      return [target, ...countDown(number - 1, 5).map((n) => make("arm", `v${n}`))];
    case "arm64":
      return [...olderArm64(variant).map((name) => make("arm64", name)), ...runnable(make("arm", "v8"))];
    default:
      return [target];
  }
}

/** v8.0 … v8.9 and v9.0 … v9.7; a v9.n runs what v8.(n+5) runs. */
function olderArm64(variant: string): string[] {
  const match = /^v([89])(?:\.([0-9]))?$/.exec(variant === "" ? "v8" : variant);
  if (match === null) return [];
  const minor = Number(match[2] ?? 0);
  const name = (major: number) => (n: number) => (n === 0 ? `v${major}` : `v${major}.${n}`);
  if (match[1] === "8") return countDown(minor, 0).map(name(8));
  return [...countDown(minor, 0).map(name(9)), ...countDown(Math.min(minor + 5, 9), 0).map(name(8))];
}

function countDown(from: number, to: number): number[] {
  return from >= to ? Array.from({ length: from - to + 1 }, (_, index) => from - index) : [];
}

function normalizeOs(os: string): string {
  const lower = os.toLowerCase();
  if (lower === "") return "linux";
  return lower === "macos" ? "darwin" : lower;
}

function normalizeArch(architecture: string, variant: string): { architecture: string; variant: string } {
  const arch = architecture.toLowerCase();
  const name = variant.toLowerCase();
  switch (arch) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { architecture: "amd64", variant: name === "v1" ? "" : name };
    case "aarch64":
    case "arm64":
      if (["8", "v8", "v8.0"].includes(name)) return { architecture: "arm64", variant: "" };
      return { architecture: "arm64", variant: ["9", "9.0", "v9.0"].includes(name) ? "v9" : name };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      if (name === "") return { architecture: "arm", variant: "v7" };
      return { architecture: "arm", variant: /^[5-8]$/.test(name) ? `v${name}` : name };
    default:
      return { architecture: arch, variant: name };
  }
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}
