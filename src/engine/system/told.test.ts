// What the engine tells of real containers: lists, events, health, figures, itself.

import { describe, expect, test } from "bun:test";
import type { EventMessage } from "../../api/types/system.ts";
import { filters, list, never, sh, wholeEngine } from "../testing/whole.ts";

const engine = wholeEngine();

describe("what is told", () => {
  test("list finds by every kind of filter", async () => {
    const web = await engine.run(
      { Cmd: ["sleep", "100"], Labels: { tier: "front" }, ExposedPorts: { "80/tcp": {} } },
      { Binds: ["data:/d"] },
      "web",
    );
    const job = await engine.run(sh("exit 2"), {}, "job");
    await engine.wait(job);
    const names = async (wanted: Record<string, string[]>, all = true) =>
      (await list(engine, all, wanted)).map((one) => one.Names?.[0]).toSorted();
    expect(await names({}, false)).toEqual(["/web"]);
    expect(await names({})).toEqual(["/job", "/web"]);
    expect(await names({ status: ["exited"] }, false)).toEqual(["/job"]);
    expect(await names({ exited: ["2"] })).toEqual(["/job"]);
    expect(await names({ exited: ["0"] })).toEqual([]);
    expect(await names({ name: ["^/w"] })).toEqual(["/web"]);
    expect(await names({ id: [web.slice(0, 8)] })).toEqual(["/web"]);
    expect(await names({ label: ["tier=front"] })).toEqual(["/web"]);
    expect(await names({ ancestor: ["busybox"] })).toEqual(["/job", "/web"]);
    expect(await names({ ancestor: ["nosuch"] })).toEqual([]);
    expect(await names({ before: ["job"] })).toEqual(["/web"]);
    expect(await names({ since: ["web"] })).toEqual(["/job"]);
    expect(await names({ volume: ["data"] })).toEqual(["/web"]);
    expect(await names({ expose: ["70-90/tcp"] })).toEqual(["/web"]);
    expect(await names({ publish: ["80"] })).toEqual([]);
    expect(await names({ network: ["none"] })).toEqual(["/job", "/web"]);
    expect(await names({ health: ["none"] })).toEqual(["/job", "/web"]);
    expect(await names({ "is-task": ["true"] })).toEqual([]);
    await expect(names({ nope: ["1"] })).rejects.toThrow("invalid filter 'nope'");
    await expect(names({ status: ["dancing"] })).rejects.toThrow("invalid filter 'status=dancing'");
    await engine.containers.remove(web, { force: true, volumes: false, link: false });
    await engine.engine.backend.volumes.remove("data", false);
  });

  test("events come in the order of a life", async () => {
    const client = new AbortController();
    const options = { since: undefined, until: undefined, filters: filters({ container: ["told"] }) };
    const seen = (async (events: AsyncIterable<EventMessage>) => {
      const actions: string[] = [];
      for await (const event of events) actions.push(event.Action ?? "");
      return actions;
    })(await engine.engine.backend.system.events(options, client.signal));
    const id = await engine.run(sh("exit 1"), {}, "told");
    await engine.wait(id);
    await engine.containers.remove(id, { force: false, volumes: false, link: false });
    client.abort();
    expect(await seen).toEqual(["create", "start", "die", "destroy"]);
  });

  test("a health check makes it healthy and unhealthy", async () => {
    const check = { Test: ["CMD-SHELL", "test -f /ok"], Interval: 1e8, Retries: 2 };
    const id = await engine.run({ Cmd: ["sleep", "100"], Healthcheck: check });
    const health = async (status: string) => {
      while ((await engine.state(id)).Health?.Status !== status) await Bun.sleep(20);
    };
    expect((await engine.state(id)).Health?.Status).toBe("starting");
    await health("unhealthy");
    expect((await list(engine, false))[0]?.Status).toContain("(unhealthy)");
    const { Id } = await engine.engine.backend.exec.create(id, { Cmd: ["touch", "/ok"] });
    await engine.engine.backend.exec.start(Id, { Detach: true }, never());
    await health("healthy");
    expect((await engine.state(id)).Health).toMatchObject({ FailingStreak: 0 });
  });

  test("stats, top and update see and change the limits", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] }, { Memory: 64 * 1024 * 1024, PidsLimit: 50 });
    const [sample] = await Array.fromAsync(
      await engine.containers.stats(id, { stream: false, oneShot: true }, never()),
    );
    expect(sample).toMatchObject({ memory_stats: { limit: 64 * 1024 * 1024 }, pids_stats: { current: 1, limit: 50 } });
    await engine.containers.update(id, { Memory: 32 * 1024 * 1024, MemorySwap: 64 * 1024 * 1024 });
    const [after] = await Array.fromAsync(await engine.containers.stats(id, { stream: false, oneShot: true }, never()));
    expect(after?.memory_stats?.limit).toBe(32 * 1024 * 1024);
    const { Titles, Processes } = await engine.containers.top(id, "");
    expect(Titles).toContain("PID");
    expect(Processes).toHaveLength(1);
    expect((await engine.containers.inspect(id, { size: false })).HostConfig?.Memory).toBe(32 * 1024 * 1024);
  });

  test("prune takes what does not run and passes the filter", async () => {
    await engine.run({ Cmd: ["sleep", "100"] }, {}, "runs");
    await engine.create({ Labels: { keep: "1" } }, {}, "kept");
    const id = await engine.create({}, {}, "old");
    expect((await engine.containers.prune(filters({ "label!": ["keep"] }))).deleted).toEqual([id]);
    expect(await engine.containers.prune(filters({ until: ["1h"] }))).toMatchObject({ deleted: [] });
  });

  test("info, version and df", async () => {
    await engine.create({});
    const { system } = engine.engine.backend;
    expect(await system.info()).toMatchObject({ Containers: 1, ContainersStopped: 1, Images: 1, OSType: "linux" });
    expect(await system.version()).toMatchObject({ Os: "linux", MinAPIVersion: "1.24" });
    expect(await system.diskUsage(new Set(["container"]))).toMatchObject({
      Containers: [{ State: "created", SizeRw: 0 }],
    });
  });
});
