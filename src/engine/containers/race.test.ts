// Stop, kill, restart and a forced removal that come in the midst of a start: a user's, and the restart policy's. Each is
// asked for at the end of every step of the start, while it waits for its turn, and while the OCI runtime is held up. The
// end that was asked for must be the end of what starts there, and must not be in the way of the next run's policy.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { traceTo } from "../../base/trace.ts";
import { TestEngine } from "../testing/test-engine.ts";
import { list, never } from "../testing/whole.ts";

const engine = new TestEngine();
/** While it is there, the runtime "slow" waits before it makes a container, and says so in `arrived`. */
const gate = join(engine.root, "gate");
const arrived = join(engine.root, "arrived");

beforeAll(async () => {
  const path = join(engine.root, "slow-runtime");
  const held = `case " $* " in *" run "*|*" create "*) while [ -e ${gate} ]; do : >${arrived}; sleep 0.02; done;; esac`;
  writeFileSync(path, `#!/bin/sh\n${held}\nexec crun "$@"\n`, { mode: 0o755 });
  Object.assign(engine.settings.runtimes, { slow: { path, args: [] } });
  await engine.open();
  await engine.importBusybox();
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose](), 60_000);
afterEach(async () => {
  traceTo(undefined);
  rmSync(gate, { force: true });
  rmSync(arrived, { force: true });
  for (const { Id = "" } of await list(engine, true)) {
    await engine.containers.remove(Id, { force: true, volumes: true, link: false });
  }
  expect(engine.leftovers()).toEqual([]);
}, 60_000);

const VERBS = {
  stop: (id: string) => engine.containers.stop(id, { signal: undefined, timeout: 0 }, never()),
  kill: (id: string) => engine.containers.kill(id, { signal: undefined }),
  restart: (id: string) => engine.containers.restart(id, { signal: undefined, timeout: 0 }, never()),
  "rm -f": (id: string) => engine.containers.remove(id, { force: true, volumes: true, link: false }),
} as const;
type Verb = keyof typeof VERBS;
const verbs = Object.keys(VERBS) as Verb[];

const START = ["image.mount", "volumes.mount", "network.reserve", "spec.build", "binds.prepare", "runtime.start"];
const each = (steps: readonly string[]) => verbs.flatMap((verb) => steps.map((step) => [verb, step] as const));

describe("a user's start", () => {
  test.each(each([...START, "container.start"]))("%s at the end of %s", async (verb, step) => {
    const id = await createSleeper();
    const asked = atEndOf(step, () => VERBS[verb](id));
    await engine.containers.start(id, { detachKeys: undefined });
    await asked;
    await expectEnd(verb, id);
  });

  test.each(verbs)("%s while the start waits for its turn", async (verb) => {
    const id = await createSleeper();
    const started = engine.containers.start(id, { detachKeys: undefined });
    await Promise.all([started, VERBS[verb](id)]);
    await expectEnd(verb, id);
  });

  test.each(verbs)("%s while the runtime is held up", async (verb) => {
    const id = await createSleeper("slow");
    writeFileSync(gate, "");
    const started = engine.containers.start(id, { detachKeys: undefined });
    await until(() => existsSync(arrived));
    const asked = VERBS[verb](id);
    rmSync(gate);
    await Promise.all([started, asked]);
    await expectEnd(verb, id);
  });
});

describe("the restart policy's start", () => {
  const steps = ["container.exit", "runtime.cleanup", ...START, "container.start"];
  test.each(each(steps))("%s at the end of %s", async (verb, step) => {
    const id = await createSleeper();
    await engine.containers.start(id, { detachKeys: undefined });
    const asked = atEndOf(step, () => VERBS[verb](id));
    await endByItself(id);
    await asked;
    await expectEnd(verb, id);
  });

  test.each(verbs)("%s while the runtime is held up", async (verb) => {
    const id = await createSleeper("slow");
    await engine.containers.start(id, { detachKeys: undefined });
    writeFileSync(gate, "");
    await endByItself(id);
    await until(() => existsSync(arrived));
    const asked = VERBS[verb](id);
    rmSync(gate);
    await asked;
    await expectEnd(verb, id);
  });
});

describe("what was asked for", () => {
  test.each(["stop", "kill"] as const)("%s: the next run has its policy again", async (verb) => {
    const id = await createSleeper("slow");
    await engine.containers.start(id, { detachKeys: undefined });
    await VERBS[verb](id);
    await until(async () => (await engine.state(id)).Status === "exited");
    await engine.containers.start(id, { detachKeys: undefined });
    await expectPolicy(id);
  });

  test("two restarts at once of a container that is removed at its end: it lives on", async () => {
    const id = await engine.run({ Cmd: ["sleep", "1000"] }, { AutoRemove: true });
    await Promise.all([VERBS.restart(id), VERBS.restart(id)]);
    expect(await engine.state(id)).toMatchObject({ Running: true });
  });

  test("it outlives the engine: what was told to end and ends under the next one stays down", async () => {
    const deaf = { Cmd: ["sh", "-c", "trap '' TERM; while [ ! -e /tmp/end ]; do sleep 0.05; done"] };
    const id = await engine.run(deaf, { RestartPolicy: { Name: "always" }, Tmpfs: { "/tmp": "" } });
    await engine.containers.kill(id, { signal: "TERM" });
    await engine.reopen();
    await endByItself(id);
    await until(async () => (await engine.state(id)).Running !== true);
    expect(await engine.state(id)).toMatchObject({ Status: "exited", ExitCode: 137 });
  });
});

/** With a policy that starts it again after every end that nobody asked for. */
function createSleeper(runtime = "crun"): Promise<string> {
  return engine.create({ Cmd: ["sleep", "1000"] }, { RestartPolicy: { Name: "always" }, Runtime: runtime });
}

/** Calls `verb` once, in the moment when the next span named `step` ends; what it gives. */
function atEndOf(step: string, verb: () => Promise<unknown>): Promise<unknown> {
  return new Promise((resolve) => {
    traceTo((line) => {
      if (JSON.parse(line).name !== step) return;
      traceTo(undefined);
      resolve(verb());
    });
  });
}

async function expectEnd(verb: Verb, id: string): Promise<void> {
  if (verb === "rm -f") {
    await expect(engine.state(id)).rejects.toThrow("No such container");
    return;
  }
  if (verb === "restart") {
    expect(await engine.state(id)).toMatchObject({ Running: true });
  } else {
    await until(async () => (await engine.state(id)).Status !== "running");
    expect(await engine.state(id)).toMatchObject({ Status: "exited", Restarting: false });
    await engine.containers.start(id, { detachKeys: undefined });
  }
  await expectPolicy(id);
}

test("a commit that a removal overtakes makes no image of a part", async () => {
  const files = 1500;
  const fill = `i=0; while [ $i -lt ${files} ]; do : > /f$i; i=$((i+1)); done`;
  let overtaken = 0;
  for (let round = 0; round < 6; round++) {
    const id = await engine.run({ Cmd: ["sh", "-c", fill] });
    expect(await engine.wait(id)).toBe(0);
    const options = { container: id, repo: "", tag: "", comment: "", author: "", pause: true, changes: [], config: {} };
    const committed = engine.engine.backend.images.commit(options, never());
    committed.catch(() => undefined);
    await Bun.sleep(round * 4);
    await engine.containers.remove(id, { force: true, volumes: true, link: false });
    const result = await committed.catch((error: unknown) => String(error));
    if (typeof result === "string") {
      expect(result).toMatch(/is being removed|No such container/);
      overtaken++;
      continue;
    }
    const counted = await engine.run({ Image: result.Id, Cmd: ["sh", "-c", "ls / | grep -c ^f"] });
    await engine.wait(counted);
    expect((await engine.logs(counted)).trim()).toBe(String(files));
  }
  expect(overtaken).toBeGreaterThan(0);
}, 120_000);

/** An end that nobody asked for: the restart policy acts. */
async function expectPolicy(id: string): Promise<void> {
  const { Pid } = await engine.state(id);
  await endByItself(id);
  await until(async () => {
    const state = await engine.state(id);
    return state.Running === true && state.Pid !== Pid;
  });
}

/** As a crash would: by a signal that the engine knows nothing of. */
async function endByItself(id: string): Promise<void> {
  const { Pid = 0 } = await engine.state(id);
  expect(readFileSync(`/proc/${Pid}/cgroup`, "utf8")).toContain(id);
  process.kill(Pid, "SIGKILL");
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error("it did not come to be in 30 seconds");
    await Bun.sleep(5);
  }
}
