import { expect, test } from "bun:test";
import { parseSignal } from "./signals.ts";

test.each([
  ["SIGTERM", 15],
  ["term", 15],
  ["9", 9],
  ["sigkill", 9],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["RTMAX-14", 50],
  ["64", 64],
])("%p is %p", (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(["", "0", "65", "SIG", "NOPE", "RTMIN+31", "RTMIN-1", "1.5", "-9", "constructor"])("%p is none", (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
});
