// One engine a data root: flock(2) on a file that holds the pid of whoever has it. The kernel lets go of it when that
// process ends, however it ends.

import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { HoyError } from "../base/error.ts";
import { tryLock } from "../linux/flock.ts";
import { O } from "../linux/open.ts";

export class DataLock implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws HoyError "conflict" naming the pid of the engine that has it. */
  static take(path: string): DataLock {
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    const fd = openSync(path, O.RDWR | O.CREAT | O.CLOEXEC, 0o600);
    if (!tryLock(fd)) {
      const pid = readFileSync(fd, "utf8").trim();
      closeSync(fd);
      throw new HoyError("conflict", `another engine (pid ${pid || "unknown"}) runs on ${dirname(path)}`, {
        hint: "stop it, or give this one another --data-root",
      });
    }
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid}\n`, 0);
    return new DataLock(fd);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
