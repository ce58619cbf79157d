// Help pages, and what is said to those who mistyped.

import { describe, expect, test } from "bun:test";
import type { Group, Leaf } from "../command.ts";
import { hoy } from "../testing/memory-io.ts";
import { tree } from "../tree.ts";
import { nearest } from "./suggest.ts";

function* leaves(group: Group, path: readonly string[] = []): Generator<[string[], Leaf]> {
  for (const child of group.children) {
    if (child.kind === "group") yield* leaves(child, [...path, child.name]);
    else yield [[...path, child.name], child];
  }
}

const all = [...leaves(tree)];

test("the front page fits 80 columns, in groups, and names every command once", async () => {
  const { code, stdout } = await hoy(["--help"]);
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(stdout).toStartWith("Usage:  hoy [OPTIONS] COMMAND [ARG...]\n");
  for (const child of tree.children)
    if (!child.hidden) expect(stdout.match(new RegExp(`^  ${child.name} +\\S`, "gm"))).toHaveLength(1);
  expect(stdout).not.toContain("__complete");
});

test("without arguments the page goes to standard error", async () => {
  const asked = await hoy(["--help"]);
  expect(await hoy([])).toEqual({ code: 0, stdout: "", stderr: asked.stdout });
  expect((await hoy(["help"])).stdout).toBe(asked.stdout);
});

test("colours are for terminals that want them", async () => {
  expect((await hoy(["--help"], { columns: 80 })).stdout).toContain("\x1b[1mUsage:\x1b[0m");
  expect((await hoy(["--help"], { columns: 80, env: { NO_COLOR: "1" } })).stdout).not.toContain("\x1b[");
  expect((await hoy(["--help"])).stdout).not.toContain("\x1b[");
});

/** Not the one that takes all words as they are, "--help" too. */
const withPage = all.filter(([path]) => path[0] !== "__complete");

describe("every command", () => {
  test.each(withPage.map(([path]) => path.join(" ")))(
    "%s has a page of 80 columns, by --help and by help",
    async (path) => {
      const words = path.split(" ");
      const { code, stdout, stderr } = await hoy([...words, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toStartWith(`Usage:  hoy ${path}`);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
      expect((await hoy(["help", ...words])).stdout).toBe(stdout);
    },
  );

  test("is called by our name or docker's, as the user did", async () => {
    expect((await hoy(["ps", "--help"], { program: "docker" })).stdout).toStartWith("Usage:  docker ps [OPTIONS]\n");
  });

  test("has no two flags with one letter", async () => {
    for (const [, leaf] of all) {
      const { flags } = await leaf.load();
      const declared = typeof flags === "function" ? flags({ env: {}, cwd: "/" } as never) : flags;
      const letters = Object.values(declared).flatMap((each) => each.short ?? []);
      expect(new Set(letters).size).toBe(letters.length);
    }
  });
});

describe("mistakes", () => {
  test("the nearest command is named", async () => {
    const { code, stderr } = await hoy(["imgaes"]);
    expect(code).toBe(1);
    expect(stderr).toContain("hoy: unknown command: hoy imgaes\n\nDid you mean this?\n        hoy images\n");
  });

  test("in a group too", async () => {
    expect((await hoy(["container", "strat"])).stderr).toContain("        hoy container start\n");
  });

  test("nothing near, nothing named", async () => {
    expect((await hoy(["xyzzy"])).stderr).toBe(
      "hoy: unknown command: hoy xyzzy\n\nRun 'hoy --help' for more information\n",
    );
  });

  test("swapped, missing and doubled letters are near", () => {
    expect(nearest("sp", ["ps", "rm"])).toEqual(["ps"]);
    expect(nearest("lgos", ["logs", "login"])).toContain("logs");
    expect(nearest("inspct", ["inspect"])).toEqual(["inspect"]);
    expect(nearest("q", ["ps", "rm"])).toEqual([]);
  });
});

test("completion scripts are given for three shells", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await hoy(["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("hoy __complete");
  }
  expect((await hoy(["completion", "csh"])).code).toBe(1);
});

test("words that may come next", async () => {
  const words = async (...typed: string[]) =>
    (await hoy(["__complete", ...typed])).stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
  expect(await words("ru")).toEqual(["run"]);
  expect(await words("network", "")).toEqual(["connect", "create", "disconnect", "inspect", "ls", "prune", "rm"]);
  expect(await words("run", "--cpu-p")).toEqual(["--cpu-period"]);
});
