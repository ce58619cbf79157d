// Why a step was not in the cache, from the parts of keys: which step it is compared with, and what is said.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { sha256 } from "../../base/digest.ts";
import { packFiles, tellDifference, unpackFiles } from "./files.ts";
import { StepLedger, type StepStore } from "./ledger.ts";
import type { KeyParts } from "./parts.ts";

function memoryStore(): StepStore {
  const rows: { key: string; kind: string; parts: string; created: string }[] = [];
  const files = new Map<string, Uint8Array>();
  return {
    add: (row) => void rows.unshift(row),
    latest: (kind, most) => rows.filter((row) => row.kind === kind).slice(0, most),
    addFiles: (digest, packed) => void files.set(digest, packed),
    files: (digest) => files.get(digest),
  };
}

const step = (parts: KeyParts, kind: "exec" | "file" = "exec") => ({ key: sha256(JSON.stringify(parts)), kind, parts });
const MAKE = {
  command: "make all",
  below: "[1/2] FROM busybox\nsha256:1",
  base: "busybox@sha256:1",
  "setting user": "",
};

function explained(before: readonly KeyParts[], after: KeyParts, kind: "exec" | "file" = "exec"): string[] {
  const ledger = new StepLedger(memoryStore(), () => "2026-01-01T00:00:00Z");
  for (const parts of before) ledger.note(step(parts, kind));
  return ledger.explain(step(after, kind));
}

test.each<[string, KeyParts, string[]]>([
  ["another command", { ...MAKE, command: "make some" }, ["command: make all\n   now: make some"]],
  ["another program", { ...MAKE, command: "ninja" }, ["command: make all\n   now: ninja"]],
  ["a variable that is new, without its value", { ...MAKE, "variable A": "sha256:x" }, ["variable A: new"]],
  ["another user", { ...MAKE, "setting user": "nobody" }, ["user:  → nobody"]],
  ["a secret", { ...MAKE, "secret TOKEN": "tok" }, ["secret TOKEN: none → tok"]],
  ["a mount", { ...MAKE, "mount /m": "x" }, ["mount /m: new"]],
  [
    "another base, which the tree below follows from",
    { ...MAKE, base: "busybox@sha256:2", below: "[1/2] FROM busybox\nsha256:2" },
    ["base image: busybox@sha256:1 → busybox@sha256:2"],
  ],
  [
    "another outcome below",
    { ...MAKE, below: "[1/2] FROM busybox\nsha256:2" },
    ["the step below, [1/2] FROM busybox, came out otherwise"],
  ],
  ["nothing: it was pruned", MAKE, ["it was built before, and its result was pruned since"]],
  [
    "all of it: another step",
    { command: "ls", below: "[a 4/5] RUN x\nsha256:9" },
    ["no step like it was built before"],
  ],
])("%s", (_, after, lines) => {
  expect(explained([{ command: "something else" }, MAKE, { command: "ls -l", below: "[b 1/1] x\n" }], after)).toEqual(
    lines,
  );
});

test("files of a copy, by name; without their list, by their digest", () => {
  const store = memoryStore();
  const ledger = new StepLedger(store, () => "2026-01-01T00:00:00Z");
  const copy = (digest: string) =>
    step({ "copy src to /": "{}", "files src to /": digest, below: "[1/2] FROM a\n1" }, "file");
  const file = (path: string, content: string, mode = "0644") => ({ path, attributes: `file ${mode} 0:0`, content });
  const [one, two] = [sha256("1"), sha256("2")];
  ledger.noteFiles(one, [file("src/a", "x"), file("src/b", "x"), file("src/c", "x"), file("src/d", "x")]);
  ledger.noteFiles(two, [file("src/a", "y"), file("src/b", "x", "0755"), file("src/d", "x"), file("src/e", "x")]);
  ledger.note(copy(one));
  expect(ledger.explain(copy(two))).toEqual([
    "file src/a: changed, x → y",
    "file src/b: was file 0644 0:0, is file 0755 0:0",
    "file src/e: new",
    "file src/c: gone",
  ]);
  expect(ledger.explain(copy(sha256("3")))).toEqual([
    `files of src to /: ${one.slice(0, 19)} → ${sha256("3").slice(0, 19)}`,
  ]);
});

test("lists of files come out as they went in; what differs is told, and never without end", () => {
  const files = fc.uniqueArray(
    fc.record({ path: fc.string({ minLength: 1 }), attributes: fc.string(), content: fc.string() }),
    { selector: ({ path }) => path, maxLength: 40 },
  );
  fc.assert(
    fc.property(files, files, (before, after) => {
      const [one, two] = [unpackFiles(packFiles(before)), unpackFiles(packFiles(after))];
      if (one === undefined || two === undefined) throw new Error("not read");
      expect([...one.values()]).toEqual(before);
      expect(tellDifference(one, one)).toEqual([]);
      expect(tellDifference(one, two).length).toBeLessThanOrEqual(11);
      const isSame =
        before.length === after.length &&
        before.every((file) => {
          const other = two.get(file.path);
          return other?.content === file.content && other.attributes === file.attributes;
        });
      expect(tellDifference(one, two).length === 0).toBe(isSame);
    }),
    { numRuns: 200 },
  );
  expect(unpackFiles(Buffer.from("damaged"))).toBeUndefined();
});
