import { describe, expect, test } from "bun:test";
import { modeChange } from "./mode.ts";

describe("chmod", () => {
  test.each([
    ["0755", 0o644, false, 0o755],
    ["4755", 0o644, false, 0o4755],
    ["u+x", 0o644, false, 0o744],
    ["go-rwx", 0o755, false, 0o700],
    ["a=r", 0o755, false, 0o444],
    ["=r", 0o755, false, 0o444],
    ["u=rwX,go=rX", 0o600, false, 0o644],
    ["u=rwX,go=rX", 0o600, true, 0o755],
    ["u=rwX,go=rX", 0o700, false, 0o755],
    ["+t", 0o755, true, 0o1755],
    ["u+s,g+s", 0o755, false, 0o6755],
    ["g=u", 0o740, false, 0o770],
    ["o=g-w", 0o660, false, 0o664],
    ["a+x", 0o644, false, 0o755],
    ["u=", 0o755, false, 0o055],
  ])("%s on %o (directory: %p) is %o", (words, before, isDirectory, after) => {
    expect(modeChange(words)(before, isDirectory)).toBe(after);
  });

  test.each(["8", "u+q", "hello", "u~x", "", "77777", "u=rw,"])("%p is refused", (words) => {
    expect(() => modeChange(words)).toThrow("invalid chmod parameter");
  });

  test("none leaves the mode", () => expect(modeChange(undefined)(0o640, false)).toBe(0o640));
});
