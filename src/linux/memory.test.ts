import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { releaseProgramText } from "./memory.ts";

/** KiB of the program's executable mappings that are in memory, as smaps has them (proc_pid_smaps(5)). */
function residentText(): number {
  const program = readlinkSync("/proc/self/exe");
  let ours = false;
  let sum = 0;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) ours = line.includes(" r-xp ") && line.endsWith(program);
    else if (ours && line.startsWith("Rss:")) sum += Number(/\d+/.exec(line)?.[0]);
  }
  return sum;
}

test("the program's text leaves memory, and the program runs on", () => {
  const before = residentText();
  releaseProgramText();
  const after = residentText();
  expect(before).toBeGreaterThan(8 * 1024);
  expect(after).toBeLessThan(before / 2);
  expect(JSON.parse('{"a":[1,2]}')).toEqual({ a: [1, 2] });
});
