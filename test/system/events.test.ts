// Events: what happened, in order, past and live, filtered.

import { describe, expect, test } from "bun:test";
import { eachClient, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const now = () => (Date.now() / 1000).toFixed(3);

describe("events", () => {
  eachClient(hoy, "a run's whole life, from the past", async (client) => {
    const [name, since] = [unique(), now()];
    await ok(client("run", "--rm", "--name", name, ...NET, "busybox", "true"));
    const past = await ok(
      client(
        "events",
        "--since",
        since,
        "--until",
        now(),
        "--filter",
        `container=${name}`,
        "--format",
        "{{.Type}} {{.Action}}",
      ),
    );
    expect(past.split("\n").filter((line) => line.startsWith("container"))).toEqual([
      "container create",
      "container attach",
      "container start",
      "container die",
      "container destroy",
    ]);
  });

  eachClient(hoy, "live ones, with their attributes", async (client) => {
    const name = unique();
    const live = client.start(
      "events",
      "--filter",
      "type=container",
      "--filter",
      `container=${name}`,
      "--filter",
      "event=die",
      "--format",
      "{{json .}}",
    );
    // Both clients are subscribed when the first answer's headers are there; a run that is too early is simply repeated.
    const { Id } = await firstDie(live, () =>
      ok(
        client("run", "--rm", "--name", name, ...NET, "--label", "a=b", "busybox", "sh", "-c", "exit 3").then(
          (run) => ({ ...run, code: 0 }),
        ),
      ),
    );
    expect(Id).toMatch(/^[0-9a-f]{64}$/);
    const event = JSON.parse(live.output().split("\n")[0] ?? "");
    expect(event).toMatchObject({
      Type: "container",
      Action: "die",
      scope: "local",
      Actor: { ID: Id, Attributes: { name, exitCode: "3", image: "busybox", a: "b" } },
    });
    expect(Math.floor(event.timeNano / 1e9)).toBe(event.time);
    live.kill("SIGINT");
    await live.exited;
  });

  eachClient(hoy, "filters by type, label and image; images' own events", async (client) => {
    const [since, image] = [now(), unique("img")];
    await ok(client("tag", "busybox", image));
    await ok(client("rmi", image));
    const lines = await ok(
      client(
        "events",
        "--since",
        since,
        "--until",
        now(),
        "--filter",
        "type=image",
        "--format",
        "{{.Action}} {{.Actor.Attributes.name}}",
      ),
    );
    expect(lines).toContain(`tag ${image}:latest`);
    expect(lines).toMatch(/^untag /m);
    await ok(client("run", "--rm", ...NET, "--label", `l=${image}`, "busybox", "true"));
    const labelled = await ok(
      client("events", "--since", since, "--until", now(), "--filter", `label=l=${image}`, "--format", "{{.Action}}"),
    );
    expect(labelled.split("\n")[0]).toBe("create");
  });

  eachClient(hoy, "kill, stop, pause, rename, exec each say so", async (client) => {
    const [name, since] = [unique(), now()];
    await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
    await ok(client("exec", name, "true"));
    await ok(client("pause", name));
    await ok(client("unpause", name));
    await ok(client("rename", name, `${name}-new`));
    await ok(client("stop", "-t", "0", `${name}-new`));
    await ok(client("rm", `${name}-new`));
    const actions = (
      await ok(
        client("events", "--since", since, "--until", now(), "--filter", "type=container", "--format", "{{.Action}}"),
      )
    ).split("\n");
    for (const action of [
      "create",
      "start",
      "exec_create: true ",
      "exec_start: true ",
      "exec_die",
      "pause",
      "unpause",
      "rename",
      "kill",
      "die",
      "stop",
      "destroy",
    ]) {
      expect(actions).toContain(action);
    }
  });

  test("the API sends one JSON object a line and ends at until", async () => {
    const { json, headers } = await hoy.api("GET", `/events?since=0&until=${Math.floor(Date.now() / 1000) + 1}`);
    expect(headers.get("Content-Type")).toMatch(/^application\/(json|x-ndjson)/);
    expect(JSON.stringify(json)).toContain('"Action"');
  });
});

/** Repeats the run until its end shows up in the live stream; gives the id of the first that did. */
async function firstDie(live: { output(): string }, run: () => Promise<string>): Promise<{ Id: string }> {
  for (let attempt = 0; attempt < 50; attempt++) {
    await run();
    if (live.output().includes("\n")) break;
  }
  return { Id: JSON.parse(live.output().split("\n")[0] ?? "{}").Actor?.ID };
}
