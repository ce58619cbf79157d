// The kernel's wait before a process changes its cgroup, taken ahead of time. The first move of any process on the host
// waits for an RCU grace period, 6 to 17 ms; moves within the next 10 ms or so do not (kernel/cgroup/cgroup.c,
// cgroup_threadgroup_rwsem; kernel/rcu/sync.c). So when a client has said that it wants a container, this
// process moves itself to where it already is: nothing changes, and the OCI runtime's moves, which follow in a few
// milliseconds, find the wait over. Execs by crun need none of it (shim/src/inside.h). This knows nothing of containers.

import { writeFile } from "node:fs/promises";
import { log } from "../../base/log.ts";

export class GracePeriod {
  #file: string | undefined;
  #waiting = false;

  /** `file`: the cgroup.procs of a cgroup that this process is in; undefined: there is none, and nothing is done. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /**
   * Returns at once; the wait is taken by a thread of the pool. One at a time: a second would wait for the same end, and
   * keep another thread from its work.
   */
  anticipate(): void {
    const file = this.#file;
    if (file === undefined || this.#waiting) return;
    this.#waiting = true;
    writeFile(file, String(process.pid), { flag: "r+" }).then(
      () => {
        this.#waiting = false;
      },
      (error: unknown) => {
        // Containers start all the same, each with its wait.
        this.#file = undefined;
        log.debug("moves between cgroups can't be anticipated", { file, error });
      },
    );
  }
}
