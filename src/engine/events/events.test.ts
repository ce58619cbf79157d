import { describe, expect, test } from "bun:test";
import type { Filters } from "../../api/backend.ts";
import type { EventMessage } from "../../api/types/system.ts";
import { EventBus } from "./bus.ts";
import { matchEvent } from "./match.ts";
import { streamEvents } from "./stream.ts";

const filters = (wanted: Record<string, string[]> = {}): Filters =>
  new Map(Object.entries(wanted).map(([key, values]) => [key, new Set(values)]));

const started: EventMessage = {
  Type: "container",
  Action: "start",
  Actor: { ID: "abcdef", Attributes: { name: "web", image: "app:1", tier: "front" } },
  scope: "local",
};

describe("filters", () => {
  test.each([
    [{ container: ["web"] }, true],
    [{ container: ["abc"] }, true],
    [{ container: ["db"] }, false],
    [{ event: ["start"], type: ["container"] }, true],
    [{ event: ["die", "start"] }, true],
    [{ event: ["die"] }, false],
    [{ image: ["app"] }, true],
    [{ image: ["app:1"] }, true],
    [{ image: ["ap"] }, false],
    [{ label: ["tier=front"] }, true],
    [{ label: ["tier=back"] }, false],
    [{ scope: ["swarm"] }, false],
  ])("%p → %p", (wanted, passes) => {
    expect(matchEvent(started, filters(wanted))).toBe(passes);
  });

  test("an action with words after it is found by its first", () => {
    const event = { ...started, Action: "health_status: healthy" };
    expect(matchEvent(event, filters({ event: ["health_status"] }))).toBe(true);
    expect(matchEvent(event, filters({ event: ["health_status: healthy"] }))).toBe(true);
    expect(matchEvent(event, filters({ event: ["health_status: unhealthy"] }))).toBe(false);
  });
});

const collect = async (events: AsyncIterable<EventMessage>) => {
  const actions: (string | undefined)[] = [];
  for await (const event of events) actions.push(event.Action);
  return actions;
};

describe("streams", () => {
  test("without since only what comes; nothing after the client has gone", async () => {
    const bus = new EventBus([], () => undefined);
    bus.emit("container", "create", "1", {});
    const client = new AbortController();
    const actions = collect(
      streamEvents(bus, { since: undefined, until: undefined, filters: filters() }, client.signal),
    );
    bus.emit("container", "start", "1", {});
    client.abort();
    bus.emit("container", "die", "1", {});
    expect(await actions).toEqual(["start"]);
    expect(bus.listeners).toBe(0);
  });

  test("since replays, until in the past ends it", async () => {
    const bus = new EventBus([], () => undefined);
    bus.emit("container", "create", "1", {});
    bus.emit("volume", "create", "v", {});
    const long = { since: "0", until: "1", filters: filters() };
    expect(await collect(streamEvents(bus, long, new AbortController().signal))).toEqual([]);
    const client = new AbortController();
    const all = collect(
      streamEvents(bus, { since: "0", until: undefined, filters: filters({ type: ["volume"] }) }, client.signal),
    );
    client.abort();
    expect(await all).toEqual(["create"]);
  });

  test("what is not written yet is handed out once", () => {
    let asked = 0;
    const bus = new EventBus([], () => asked++);
    bus.emit("container", "create", "1", {});
    expect(asked).toBe(1);
    expect(bus.takeUnsaved().map((event) => event.Action)).toEqual(["create"]);
    expect(bus.takeUnsaved()).toEqual([]);
  });

  test("bad times are the client's error", () => {
    const bus = new EventBus([], () => undefined);
    const bad = { since: "soon", until: undefined, filters: filters() };
    expect(() => streamEvents(bus, bad, new AbortController().signal)).toThrow(
      'failed to parse value as time or duration: "soon"',
    );
  });
});
