// The default seccomp profile: lets through what Docker's default profile does, and no more. What is not listed fails
// with EPERM. The table is by purpose and by condition; a test asks the kernel about the important ones.

import { constants } from "node:os";
import type { ProfileRule, SeccompProfile } from "./rules.ts";

const ALLOW = "SCMP_ACT_ALLOW";
const ERRNO = "SCMP_ACT_ERRNO";

/** Allowed to every container on every machine. */
const ALWAYS = [
  // files and directories
  `
    access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64
    fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch lchown lchown32 lgetxattr link linkat listmount listxattr
    listxattrat llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at
    newfstatat open openat openat2 readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir
    setxattr setxattrat stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs
    truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes
  `,
  // reading, writing, waiting
  `
    _llseek _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
    io_submit ioctl ioprio_get ioprio_set lseek pipe pipe2 poll ppoll ppoll_time64 pread64 preadv preadv2 pselect6
    pselect6_time64 pwrite64 pwritev pwritev2 read readahead readv select sendfile sendfile64 signalfd signalfd4
    splice tee vmsplice write writev
  `,
  // memory
  `
    brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
    mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
    remap_file_pages
  `,
  // processes, signals, scheduling
  `
    alarm capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv
    futex_wake get_robust_list get_thread_area getcpu getitimer getpgid getpgrp getpid getppid getpriority getrlimit
    getrusage getsid gettid kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open
    pidfd_send_signal prctl prlimit64 restart_syscall riscv_hwprobe rseq rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address setitimer setpgid
    setpriority setrlimit setsid sigaltstack sigprocmask sigreturn tgkill tkill ugetrlimit uretprobe vfork wait4
    waitid waitpid
  `,
  // users and groups
  `
    getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid
    getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
    setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32
  `,
  // time and the system
  `
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getrandom gettimeofday nanosleep sysinfo time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64 times uname
  `,
  // sockets and System V and POSIX queues
  `
    accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd
    recv recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg
    sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketcall socketpair
  `,
];

/** Allowed only with the capability, which the kernel asks for as well: the filter is the second lock. */
const WITH_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module finit_module init_module",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "ioperm iopl",
  CAP_SYS_TIME: "clock_settime clock_settime64 settimeofday stime",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYSLOG: "syslog",
  CAP_BPF: "bpf",
  CAP_PERFMON: "perf_event_open",
};

const ON_MACHINE: readonly (readonly [arches: readonly string[], names: string])[] = [
  [["ppc64le"], "swapcontext sync_file_range2"],
  [["arm", "arm64"], "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"],
  [["amd64", "x32"], "arch_prctl"],
  [["amd64", "x32", "x86"], "modify_ldt"],
  [["s390", "s390x"], "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"],
  [["riscv64"], "riscv_flush_icache"],
];

/** personality(2): Linux, Linux with UNAME26 or a 32-bit machine name, and 0xffffffff, which only asks. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** The namespace flags of clone(2): NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e020000;

/** socket(2): every family but AF_ALG (38) and AF_VSOCK (40), which reach past the container. */
const AF_ALG = 38;
const AF_VSOCK = 40;

const S390 = ["s390", "s390x"];

const allow = (names: string, more: Omit<ProfileRule, "names" | "action"> = {}): ProfileRule => ({
  names: names.trim().split(/\s+/),
  action: ALLOW,
  ...more,
});

/** `clone` without a new namespace; the flags are its first argument, on s390 its second. */
const plainClone = (index: number, rest: Pick<ProfileRule, "when" | "unless">): ProfileRule =>
  allow("clone", { args: [{ index, value: CLONE_NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }], ...rest });

const socketFamily = (op: string, value: number): ProfileRule => allow("socket", { args: [{ index: 0, value, op }] });

export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: ERRNO,
  defaultErrnoRet: constants.errno.EPERM,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    { architecture: "SCMP_ARCH_MIPS64", subArchitectures: ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"] },
    { architecture: "SCMP_ARCH_MIPS64N32", subArchitectures: ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64"] },
    { architecture: "SCMP_ARCH_MIPSEL64", subArchitectures: ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"] },
    { architecture: "SCMP_ARCH_MIPSEL64N32", subArchitectures: ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64"] },
    { architecture: "SCMP_ARCH_S390X", subArchitectures: ["SCMP_ARCH_S390"] },
    { architecture: "SCMP_ARCH_RISCV64", subArchitectures: [] },
    { architecture: "SCMP_ARCH_LOONGARCH64", subArchitectures: [] },
  ],
  rules: [
    allow(ALWAYS.join(" ")),
    // Before 4.8 ptrace could be used to get round the filter (seccomp(2), CVE notes).
    allow("process_vm_readv process_vm_writev ptrace", { when: { minKernel: [4, 8] } }),
    socketFamily("SCMP_CMP_LT", AF_ALG),
    socketFamily("SCMP_CMP_EQ", AF_ALG + 1),
    socketFamily("SCMP_CMP_GT", AF_VSOCK),
    ...PERSONALITIES.map((value) => allow("personality", { args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] })),
    ...ON_MACHINE.map(([arches, names]) => allow(names, { when: { arches } })),
    ...Object.entries(WITH_CAPABILITY).map(([cap, names]) => allow(names, { when: { caps: [cap] } })),
    plainClone(0, { unless: { caps: ["CAP_SYS_ADMIN"], arches: S390 } }),
    plainClone(1, { when: { arches: S390 }, unless: { caps: ["CAP_SYS_ADMIN"] } }),
    // Its flags lie behind a pointer, where no filter can look: ENOSYS makes the C library fall back to clone.
    {
      names: ["clone3"],
      action: ERRNO,
      errnoRet: constants.errno.ENOSYS,
      unless: { caps: ["CAP_SYS_ADMIN"] },
    },
  ],
};
