// nginx, PostgreSQL and Redis in images as people build them (`./check services`, under a minute once they are fetched): a Debian by debootstrap, the
// packages installed by apt in a Dockerfile. What they keep in volumes outlives a kill -9 of the container and of the daemon.

import { describe, expect, test } from "bun:test";
import { eventually, ok, unique } from "../harness/clients.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { importTar } from "../harness/images.ts";
import { have } from "../harness/needs.ts";
import { DEBIAN } from "./debian/bases.ts";
import { makeContext } from "./debian/context.ts";
import { debianParts } from "./debian/parts.ts";
import { SERVICES } from "./debian/services.ts";

const PATIENCE = 600_000;
const NAME = "services in images of a debootstrap";
const WRITTEN = 10_000;

interface Service {
  readonly part: "nginx" | "postgres" | "redis";
  /** Where the volume goes. */
  readonly data: string;
  /** Command lines in its container: whether it answers, what writes, and what tells how much was written. */
  readonly well: readonly string[];
  readonly write: readonly string[];
  readonly count: readonly string[];
}

const psql = (statement: string) => ["psql", "-U", "postgres", "-qAtc", statement];

const KEPT: readonly Service[] = [
  {
    part: "postgres",
    data: "/var/lib/postgresql/data",
    well: psql("select 1"),
    write: psql(`create table if not exists t (n int); insert into t select generate_series(1, ${WRITTEN})`),
    count: psql("select count(*) from t"),
  },
  {
    part: "redis",
    data: "/data",
    well: ["redis-cli", "ping"],
    write: ["redis-cli", "eval", `for i = 1, ${WRITTEN} do redis.call('rpush', 'list', i) end`, "0"],
    count: ["redis-cli", "llen", "list"],
  },
  {
    part: "nginx",
    data: "/srv",
    well: ["curl", "-sf", "http://127.0.0.1:80/"],
    write: ["bash", "-c", `for i in $(seq ${WRITTEN}); do echo $i; done >>/srv/lines; sync /srv/lines`],
    count: ["bash", "-c", "curl -sf http://127.0.0.1:80/kept/lines | wc -l"],
  },
];

/** Beside what the shape's own template says, the volume is served. */
const SERVED = "location /kept/ { alias /srv/; }";

async function prepare(): Promise<TestDaemon | string> {
  if (process.env.HOY_TEST_BUILDS !== "services") return "it takes minutes: ./check services";
  const parts = await debianParts();
  if ("missing" in parts) return parts.missing;
  const hoy = await testDaemon({ images: [] });
  await importTar(hoy, "debootstrap", Bun.file(parts.tar));
  await build(hoy, "debian", makeContext(hoy.root, { Dockerfile: DEBIAN }, []));
  for (const { part } of KEPT) await build(hoy, part, makeContext(hoy.root, filesOf(part), parts.debs(part)));
  return hoy;
}

function filesOf(part: Service["part"]): Record<string, string> {
  const shape = SERVICES.find(({ debs }) => debs === part);
  if (shape === undefined) throw new Error(`there is no shape of ${part}`);
  const files: Record<string, string> = { Dockerfile: shape.dockerfile, ...shape.files };
  const served = files["default.conf"]?.replace("location / ", `${SERVED}\n  location / `);
  return served === undefined ? files : { ...files, "default.conf": served };
}

async function build({ hoy }: TestDaemon, tag: string, context: string): Promise<void> {
  await ok(hoy.with({ patience: PATIENCE }, "build", "--network", "none", "-q", "-t", tag, context));
}

/** What a test asks of one service in a container of its own. */
class Kept {
  readonly #daemon: TestDaemon;
  readonly #service: Service;
  readonly #name = unique("service");
  readonly #volume = unique("volume");

  constructor(daemon: TestDaemon, service: Service) {
    this.#daemon = daemon;
    this.#service = service;
  }

  async run(): Promise<void> {
    const { part, data } = this.#service;
    await this.#ask("run", "-d", "--name", this.#name, "-v", `${this.#volume}:${data}`, part);
    await this.well();
  }

  async start(): Promise<void> {
    await this.#ask("start", this.#name);
    await this.well();
  }

  /** A database that was killed repairs itself first. @throws with what the container says. */
  async well(): Promise<void> {
    const answers = async () => (await this.#client("exec", this.#name, ...this.#service.well)).code === 0;
    await eventually(answers, `${this.#service.part} answers`, 60_000).catch(async (cause) => {
      const { stdout, stderr } = await this.#client("logs", this.#name);
      throw new Error(`${stdout}${stderr}`, { cause });
    });
  }

  async write(): Promise<void> {
    await this.#ask("exec", this.#name, ...this.#service.write);
  }

  async count(): Promise<number> {
    return Number(await this.#ask("exec", this.#name, ...this.#service.count));
  }

  async pid(): Promise<number> {
    return Number(await this.#ask("inspect", "-f", "{{.State.Pid}}", this.#name));
  }

  /** Waits until the engine says that it ended, killed. */
  async ended(): Promise<void> {
    const state = () => this.#ask("inspect", "-f", "{{.State.Running}} {{.State.ExitCode}}", this.#name);
    await eventually(async () => (await state()) === "false 137", `${this.#service.part} has ended`);
  }

  /** The volume stays. */
  async remove(): Promise<void> {
    await this.#ask("rm", "-f", this.#name);
  }

  async removeVolume(): Promise<void> {
    await this.#ask("volume", "rm", this.#volume);
  }

  get #client() {
    return have.docker ? this.#daemon.docker : this.#daemon.hoy;
  }

  #ask(...args: string[]): Promise<string> {
    return ok(this.#client(...args));
  }
}

const daemon = await prepare();
if (typeof daemon === "string") test.skip(`${NAME} (skipped: ${daemon})`, () => undefined);
else {
  describe(NAME, () => {
    for (const service of KEPT) {
      const body = async () => {
        const kept = new Kept(daemon, service);
        await kept.run();
        await kept.write();
        expect(await kept.count()).toBe(WRITTEN);

        // The container's first process, and all that is in its namespace with it.
        process.kill(await kept.pid(), "SIGKILL");
        await kept.ended();
        await kept.start();
        expect(await kept.count()).toBe(WRITTEN);

        // The daemon: the container runs on, and is written to through the next one.
        const pid = await kept.pid();
        await daemon.restart("SIGKILL");
        expect(await kept.pid()).toBe(pid);
        await kept.write();
        expect(await kept.count()).toBe(2 * WRITTEN);

        // Both, the container while nobody looks.
        await daemon.down("SIGKILL");
        process.kill(pid, "SIGKILL");
        await daemon.up();
        await kept.ended();
        await kept.start();
        expect(await kept.count()).toBe(2 * WRITTEN);

        // Another container on the same volume.
        await kept.remove();
        await kept.run();
        expect(await kept.count()).toBe(2 * WRITTEN);
        await kept.remove();
        await kept.removeVolume();
      };
      test(`${service.part} keeps what was written over kill -9 of the container and of the daemon`, body, PATIENCE);
    }
  });
}
