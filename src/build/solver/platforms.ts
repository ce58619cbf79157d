// Which platforms this machine can execute.

import { readdirSync } from "node:fs";
import { HoyError } from "../../base/error.ts";
import { formatPlatform, hostPlatform, type Platform, platformRank } from "../../image/platform.ts";

/** binfmt_misc's names for processors that qemu stands in for (qemu's scripts/qemu-binfmt-conf.sh). */
const QEMU: Readonly<Record<string, string>> = {
  amd64: "qemu-x86_64",
  "386": "qemu-i386",
  arm64: "qemu-aarch64",
  arm: "qemu-arm",
  ppc64le: "qemu-ppc64le",
  riscv64: "qemu-riscv64",
  s390x: "qemu-s390x",
  mips64le: "qemu-mips64el",
  mips64: "qemu-mips64",
  loong64: "qemu-loongarch64",
};

/** @throws HoyError "invalid" for other systems than Linux. */
export function checkPlatform(platform: Platform): void {
  if (platform.os !== "linux") throw new HoyError("invalid", `can't build for ${formatPlatform(platform)}`);
}

/** Whether a command of that platform runs here, by the processor itself or by binfmt_misc. */
export function canExecute(platform: Platform): boolean {
  if (platformRank(hostPlatform, platform) !== undefined) return true;
  const name = QEMU[platform.architecture];
  return name !== undefined && interpreters().includes(name);
}

function interpreters(): string[] {
  try {
    return readdirSync("/proc/sys/fs/binfmt_misc");
  } catch {
    // Not mounted: none.
    return [];
  }
}
