// Directories that are built: made once in a temporary directory, changed where a round needs a new one.

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE, must } from "./subjects.ts";

export const FILES = 20_000;
const PER_DIRECTORY = 100;
const LARGE = 1024;

export class Contexts implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), "hoy-bench-build-"));
  #count = 0;

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  steps(): string {
    const runs = ["one", "two", "three", "four"].map((word) => `RUN echo ${word} > /${word}\n`);
    return this.#made("steps", `FROM ${IMAGE}\n${runs.join("")}`);
  }

  /** Two stages that do not need each other, of a second each. */
  stages(): string {
    const stage = (name: string) => `FROM ${IMAGE} AS ${name}\nRUN sleep 1 && echo > /${name}\n`;
    return this.#made("stages", `${stage("a")}${stage("b")}FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n`);
  }

  /** 1 to 8 KiB each, in directories of 100. */
  many(): string {
    const root = this.#made("many", "FROM scratch\nCOPY src /src\n");
    for (let index = 0; index < FILES; index++) {
      const directory = join(root, "src", `m${Math.floor(index / PER_DIRECTORY)}`);
      if (index % PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `f${index}`), `${index} `.repeat(150 + ((index * 37) % 1000)));
    }
    return root;
  }

  /** One file that does not compress, in MiB. */
  async large(): Promise<string> {
    const root = this.#made("large", "FROM scratch\nCOPY data /data\n");
    await must(["sh", "-c", `head -c ${LARGE}M /dev/urandom > "$1"`, "sh", join(root, "data")]);
    return root;
  }

  /** The same directory as one that nobody has seen: another name, one other file. */
  renewed(root: string): string {
    const next = join(this.#root, `renewed-${this.#count++}`);
    renameSync(root, next);
    writeFileSync(join(next, "src/new"), String(this.#count));
    return next;
  }

  #made(name: string, dockerfile: string): string {
    const root = join(this.#root, name);
    mkdirSync(root);
    writeFileSync(join(root, "Dockerfile"), dockerfile);
    return root;
  }
}
