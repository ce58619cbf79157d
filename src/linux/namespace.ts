// Network namespaces seen from one thread: opening one, and running a piece of code inside it. setns(2), namespaces(7).

import { closeSync, openSync } from "node:fs";
import { check, libc } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;

const calls = libc({
  setns: { args: ["i32", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
});

/** A network namespace held open. */
export class NetworkNamespace implements Disposable {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** "/proc/PID/ns/net" or a bind mount of one. @throws ENOENT when its process has ended. */
  static open(path: string): NetworkNamespace {
    return new NetworkNamespace(openSync(path, "r"));
  }

  /** A new one, owned by the caller's user namespace; it lives as long as this or something in it. */
  static create(): NetworkNamespace {
    using here = NetworkNamespace.open("/proc/thread-self/ns/net");
    check(calls().unshare(CLONE_NEWNET), "unshare");
    try {
      return NetworkNamespace.open("/proc/thread-self/ns/net");
    } finally {
      here.#enter();
    }
  }

  /**
   * Runs `work` with this thread in the namespace: sockets made and /proc/sys/net written meanwhile are the
   * namespace's. Only synchronous work: with an await in it, everything else on this thread would follow.
   */
  run<T>(work: () => T extends Promise<unknown> ? never : T): T {
    using home = NetworkNamespace.open("/proc/thread-self/ns/net");
    this.#enter();
    try {
      return work();
    } finally {
      home.#enter();
    }
  }

  #enter(): void {
    check(calls().setns(this.fd, CLONE_NEWNET), "setns");
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
