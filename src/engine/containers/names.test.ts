import { expect, test } from "bun:test";
import { checkName, generateName } from "./names.ts";
import { ADJECTIVES, MARINERS } from "./words.ts";

test("a name keeps Docker's rule, with or without its slash", () => {
  expect(checkName("/web")).toBe("web");
  expect(checkName("a_b.c-9")).toBe("a_b.c-9");
  for (const bad of ["", "a", "_a", "-web", "a b", "a/b", "ä1", "x".repeat(256), ".."]) {
    expect(() => checkName(bad)).toThrow("only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
  }
});

test("every generated name is valid, and the id helps out when all are taken", () => {
  for (const word of [...ADJECTIVES, ...MARINERS]) expect(word).toMatch(/^[a-z]+$/);
  expect(new Set(ADJECTIVES).size).toBe(ADJECTIVES.length);
  expect(new Set(MARINERS).size).toBe(MARINERS.length);
  const name = generateName(() => false, "f".repeat(64));
  expect(checkName(name)).toBe(name);
  expect(generateName(() => true, "0123456789abcdef")).toBe("0123456789ab");
});
