// The AppArmor profile that containers get where the kernel has AppArmor and nobody names another: forbids what Docker's
// default profile does. The language: apparmor.d(5).

export const PROFILE_NAME = "hoy-default";

/**
 * Who may signal a container: the daemon, the shim (unconfined) and the OCI runtimes, which Ubuntu confines by
 * profiles called like them. AppArmor 3's rules are named, as in later ones "network" leaves unix sockets out.
 */
const SIGNALLERS = ["unconfined", "runc", "crun"];

/**
 * Whole subtrees of /proc and /sys that no container writes to. The character classes spell "every name but": all that
 * is not a process, sys without kernel, kernel without shm*, and in /sys all but /sys/fs/cgroup.
 */
const NO_WRITE = [
  "@{PROC}/* w",
  "@{PROC}/{[^1-9/],[^1-9/][^0-9/],[^1-9s/][^0-9y/][^0-9s/],[^1-9/][^0-9/][^0-9/][^0-9/]*}/** w",
  "@{PROC}/sys/[^k]** w",
  "@{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w",
  "@{PROC}/sysrq-trigger rwklx",
  "@{PROC}/kcore rwklx",
  "/sys/[^f]*/** wklx",
  "/sys/f[^s]*/** wklx",
  "/sys/fs/[^c]*/** wklx",
  "/sys/fs/c[^g]*/** wklx",
  "/sys/fs/cg[^r]*/** wklx",
  "/sys/firmware/** rwklx",
  "/sys/devices/virtual/powercap/** rwklx",
  "/sys/kernel/security/** rwklx",
];

/** @param features what of the host's /etc/apparmor.d is there: missing includes would make the parser fail */
export function profileText(features: {
  readonly abi: boolean;
  readonly tunables: boolean;
  readonly base: boolean;
}): string {
  const rules = [
    ...(features.base ? ["#include <abstractions/base>"] : []),
    "network,",
    "deny network alg,",
    "capability,",
    "file,",
    "umount,",
    ...SIGNALLERS.map((peer) => `signal (receive) peer=${peer},`),
    `signal (send,receive) peer="${PROFILE_NAME}",`,
    ...NO_WRITE.map((rule) => `deny ${rule},`),
    "deny mount,",
    `ptrace (trace,tracedby,read,readby) peer="${PROFILE_NAME}",`,
  ];
  return [
    ...(features.abi ? ["abi <abi/3.0>,"] : []),
    features.tunables ? "#include <tunables/global>" : "@{PROC}=/proc/",
    `profile "${PROFILE_NAME}" flags=(attach_disconnected,mediate_deleted) {`,
    ...rules.map((rule) => `  ${rule}`),
    "}",
    "",
  ].join("\n");
}
