// Where sshd is: the machine's own, or that of Debian's package which `scripts/setup --tests` unpacks without installing
// it (installed, it would start a service and open a port).

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export const UNPACKED = resolve(import.meta.dir, "../../dist/openssh");

/** Undefined where there is no sshd, or no client beside it. */
export function sshdProgram(): string | undefined {
  const unpacked = join(UNPACKED, "usr/sbin/sshd");
  const found = Bun.which("sshd", { PATH: "/usr/sbin:/sbin" }) ?? (existsSync(unpacked) ? unpacked : undefined);
  return ["ssh", "ssh-keygen"].every((name) => Bun.which(name) !== null) ? found : undefined;
}

/** For LD_LIBRARY_PATH: what the package depends on and a small machine has not. */
export function sshdLibraries(): string {
  const arch = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return ["usr/lib", "lib"].map((folder) => join(UNPACKED, folder, arch)).join(":");
}
