// A test for each client: what holds for the real docker must hold for hoy, in the same words.

import { expect, test } from "bun:test";
import { type Result, SLOWER } from "./command.ts";
import type { Client, TestDaemon } from "./daemon.ts";
import { testWith } from "./needs.ts";

/** Registers the test twice: through docker (skipped with a word where it is absent) and through hoy. */
export function eachClient(daemon: TestDaemon, name: string, body: (client: Client) => Promise<void>): void {
  testWith("docker", `docker: ${name}`, () => body(daemon.docker));
  test(`hoy: ${name}`, () => body(daemon.hoy));
}

/** Standard output without its last line end; the command must have worked. */
export async function ok(running: Promise<Result>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr || stdout}`);
  return stdout.replace(/\n$/, "");
}

/** The command must fail with this exit code and these words on standard error. */
export async function fails(running: Promise<Result>, code: number, words: string | RegExp): Promise<void> {
  const result = await running;
  expect(result.stderr).toMatch(words);
  expect(result.code).toBe(code);
}

let count = 0;

/** A name that no other container of this run has. */
export function unique(what = "c"): string {
  return `${what}-${process.pid}-${++count}`;
}

/** Polls until the work gives a value: for what happens soon, at a moment that nobody tells. */
export async function eventually<T>(
  work: () => Promise<T | undefined | false>,
  what: string,
  patience = 20_000,
): Promise<T> {
  const end = Date.now() + patience * SLOWER;
  for (;;) {
    const value = await work();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await Bun.sleep(20);
  }
}
