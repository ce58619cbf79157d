// Numbers of the system calls that the C library may have no function for. Since Linux 5.1 every architecture uses the
// same numbers for new calls (include/uapi/asm-generic/unistd.h), so one table does for all.

export const SYS = {
  pidfd_send_signal: 424,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_open: 434,
  openat2: 437,
  mount_setattr: 442,
  quotactl_fd: 443,
} as const;
