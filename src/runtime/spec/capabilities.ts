// Capabilities (capabilities(7)): Docker's default set, what --cap-add and --cap-drop make of it, and the kernel's
// numbering. What a container asks for must be known to the kernel and to the daemon itself.

import { HoyError } from "../../base/error.ts";

/** In the kernel's order (include/uapi/linux/capability.h): the index is the bit. */
const BY_NUMBER = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** What a container has when nobody says anything. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

const KNOWN: ReadonlySet<string> = new Set(BY_NUMBER);

/** Names of the bits set in a mask as /proc/PID/status shows it. */
export function capabilityNames(mask: bigint): string[] {
  return BY_NUMBER.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * Upper case, with the prefix; "ALL" stays.
 * @throws HoyError "invalid" with moby's words
 */
export function normalizeCapabilities(names: readonly string[], available: readonly string[]): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!KNOWN.has(name)) throw new HoyError("invalid", `unknown capability: ${JSON.stringify(name)}`);
    if (!available.includes(name)) {
      throw new HoyError(
        "invalid",
        `capability not supported by your kernel or not available in the current environment: ${JSON.stringify(name)}`,
      );
    }
    return name;
  });
}

export interface CapabilityRequest {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  /** Those the daemon has. */
  readonly available: readonly string[];
}

/** The container's set. Defaults that the daemon has not got itself are left out: they can't be given. */
export function containerCapabilities(request: CapabilityRequest): string[] {
  const { available } = request;
  if (request.privileged) return [...available];
  const add = normalizeCapabilities(request.add, available);
  const drop = normalizeCapabilities(request.drop, available);
  if (add.includes("ALL")) return available.filter((name) => !drop.includes(name));
  const start = drop.includes("ALL") ? [] : DEFAULT_CAPABILITIES.filter((name) => available.includes(name));
  const kept = start.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...add])];
}
