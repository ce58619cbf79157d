// setfsuid(2) and setfsgid(2): the ids as which this thread makes files. A file system seen through an idmapped mount
// refuses new files of owners that its mapping does not know (EOVERFLOW), root among them: whoever makes files in a
// running container's tree from outside must do so as an id of the container.

import { check, I64, libc } from "./libc.ts";

const calls = libc({
  setfsuid: { args: ["u32"], returns: "i32" },
  setfsgid: { args: ["u32"], returns: "i32" },
  prctl: { args: ["i32", I64, I64, I64, I64], returns: "i32" },
});

const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
/** Leaving uid 0 as fsuid keeps the capabilities over files. */
const SECBIT_NO_SETUID_FIXUP = 4;

/**
 * Runs `action` as these ids with this thread's capabilities kept, and puts everything back, also after a throw.
 * `action` must be synchronous: the ids are the thread's, and nothing else may run as them. The securebit is not left
 * on, since programs that are started would inherit it and keep capabilities when they drop root.
 */
export function withFsIds<T>(uid: number, gid: number, action: () => T): T {
  if (uid === 0 && gid === 0) return action();
  const { setfsuid, setfsgid, prctl } = calls();
  const securebits = check(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), "prctl", undefined, "PR_GET_SECUREBITS");
  const kept = securebits | SECBIT_NO_SETUID_FIXUP;
  check(prctl(PR_SET_SECUREBITS, kept, 0, 0, 0), "prctl", undefined, "PR_SET_SECUREBITS");
  try {
    setfsgid(gid);
    setfsuid(uid);
    return action();
  } finally {
    setfsuid(0);
    setfsgid(0);
    check(prctl(PR_SET_SECUREBITS, securebits, 0, 0, 0), "prctl", undefined, "PR_SET_SECUREBITS");
  }
}
