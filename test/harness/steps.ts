// kill -9 of the daemon at the end of each step of what it does: which steps there are is asked of a run in which nobody
// is killed, so that a new step is a new test by itself.

import { test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestDaemon } from "./daemon.ts";

const SHIM = resolve(import.meta.dir, "../../dist/hoy-shim");

/** One thing that the daemon does, and what must be so wherever in the middle of it a daemon was killed. */
export interface KilledCase {
  readonly prepare: () => Promise<unknown>;
  readonly act: () => Promise<unknown>;
  readonly check: () => Promise<unknown>;
}

/**
 * A test for each step of each case.
 * @param wanted Which steps. @param cleanUp After the run in which nobody is killed. @param always What every case checks first.
 */
export async function testKills(
  daemon: TestDaemon,
  cases: Readonly<Record<string, KilledCase>>,
  wanted: RegExp,
  cleanUp: () => Promise<void>,
  always: () => Promise<void> = async () => undefined,
): Promise<void> {
  for (const [what, { prepare, act, check }] of Object.entries(cases)) {
    await prepare();
    const steps = await stepsOf(daemon, act, wanted);
    await cleanUp();
    test.each(steps)(`killed in ${what}, after %s`, async (step) => {
      await prepare();
      await killedAt(daemon, step, act);
      await always();
      await check();
    });
  }
}

/** Does it under a daemon that is killed at none of its steps; their names. The daemon is the built one before and after. */
async function stepsOf(daemon: TestDaemon, work: () => Promise<unknown>, wanted: RegExp): Promise<string[]> {
  const record = join(daemon.root, "steps");
  await daemon.down();
  await daemon.up(await program(daemon, "", record));
  await work();
  await daemon.restart();
  const steps = existsSync(record) ? readFileSync(record, "utf8").trim().split("\n") : [];
  rmSync(record, { force: true });
  return steps.filter((step) => wanted.test(step));
}

/** The same with a daemon that ends by SIGKILL at the step. The built one is up afterwards. @throws when it was not killed. */
async function killedAt(daemon: TestDaemon, step: string, work: () => Promise<unknown>): Promise<void> {
  await daemon.down();
  await daemon.up(await program(daemon, step, ""));
  await work();
  const end = await daemon.ended(20_000);
  if (end !== "SIGKILL") throw new Error(`the daemon was not killed at ${step}, but: ${end}`);
  await daemon.up();
}

/** Bundled first: from a thousand sources it takes half a second to start, and there are many starts. */
async function program(daemon: TestDaemon, step: string, record: string): Promise<string[]> {
  const bundle = join(daemon.root, "killed.js");
  if (!existsSync(bundle)) {
    const entrypoints = [join(import.meta.dir, "killed.ts")];
    await Bun.build({ entrypoints, target: "bun", outdir: daemon.root, throw: true });
  }
  return [process.execPath, bundle, step, record, SHIM];
}
