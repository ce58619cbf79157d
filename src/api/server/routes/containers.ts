// /containers: create, list, look at, and change state. Streams of a container are in streams.ts, files in archive.ts.

import { HoyError } from "../../../base/error.ts";
import type { StopOptions, WaitCondition } from "../../backend.ts";
import { parseFilters } from "../../filters.ts";
import { createBody, updateBody } from "../bodies/container.ts";
import type { Call } from "../call.ts";
import { aborted, together } from "../flow.ts";
import { needJson, readJson } from "../json.ts";
import { beginStream, sendEmpty, sendJson } from "../reply.ts";
import type { Route } from "../router.ts";
import { shapeContainer, shapeSummary } from "../versions.ts";
import { shapeCreate, shapeUpdate } from "../versions-create.ts";

export const containerRoutes: readonly Route[] = [
  { method: "GET", path: "/containers/json", handler: list },
  { method: "POST", path: "/containers/create", handler: create },
  { method: "POST", path: "/containers/prune", handler: prune },
  { method: "GET", path: "/containers/{id*}/json", handler: inspect },
  { method: "GET", path: "/containers/{id*}/top", handler: top },
  { method: "GET", path: "/containers/{id*}/changes", handler: changes },
  { method: "POST", path: "/containers/{id*}/start", handler: start },
  { method: "POST", path: "/containers/{id*}/stop", handler: stop },
  { method: "POST", path: "/containers/{id*}/restart", handler: restart },
  { method: "POST", path: "/containers/{id*}/kill", handler: kill },
  { method: "POST", path: "/containers/{id*}/pause", handler: pause },
  { method: "POST", path: "/containers/{id*}/unpause", handler: unpause },
  { method: "POST", path: "/containers/{id*}/rename", handler: rename },
  { method: "POST", path: "/containers/{id*}/update", handler: update },
  { method: "POST", path: "/containers/{id*}/resize", handler: resize },
  { method: "POST", path: "/containers/{id*}/wait", handler: wait },
  { method: "DELETE", path: "/containers/{id}", handler: remove },
  { method: "DELETE", path: "/containers/{id}/{alias}", handler: remove },
];

async function list(call: Call): Promise<void> {
  const limit = call.query.int("limit");
  const found = await call.backend.containers.list({
    all: call.query.bool("all"),
    limit: limit === undefined || limit <= 0 ? undefined : limit,
    size: call.query.bool("size"),
    filters: parseFilters(call.query.text("filters")),
  });
  sendJson(
    call,
    found.map((each) => shapeSummary(each, call)),
  );
}

async function create(call: Call): Promise<void> {
  const given = await needJson(call, createBody);
  const { HostConfig: _, NetworkingConfig: __, ...bare } = given;
  if (Object.keys(bare).length === 0) {
    throw new HoyError("invalid", "config cannot be empty in order to create a container");
  }
  const { body, warnings } = shapeCreate(given, call);
  const { HostConfig: hostConfig, NetworkingConfig, ...config } = body;
  const request = {
    name: call.query.optional("name"),
    platform: call.atLeast("1.41") ? call.query.optional("platform") : undefined,
    config,
    hostConfig,
    networkingConfig: NetworkingConfig ?? {},
  };
  const { Id, Warnings } = await call.backend.containers.create(request, call.signal);
  sendJson(call, { Id, Warnings: [...Warnings, ...warnings] }, 201);
}

async function inspect(call: Call): Promise<void> {
  const found = await call.backend.containers.inspect(call.param("id"), { size: call.query.bool("size") });
  sendJson(call, shapeContainer(found, call));
}

async function top(call: Call): Promise<void> {
  sendJson(call, await call.backend.containers.top(call.param("id"), call.query.optional("ps_args") ?? "-ef"));
}

async function changes(call: Call): Promise<void> {
  sendJson(call, await call.backend.containers.changes(call.param("id")));
}

async function start(call: Call): Promise<void> {
  // Before 1.24 a HostConfig could come along; a body that says something is refused rather than passed over.
  if (!call.bodyless && !(Number(call.header("content-length")) <= 7)) {
    throw new HoyError(
      "invalid",
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
  }
  if (call.query.text("checkpoint") !== "") {
    throw new HoyError("not-implemented", "starting from a checkpoint is not implemented by this version of hoy");
  }
  await call.backend.containers.start(call.param("id"), { detachKeys: call.query.optional("detachKeys") });
  sendEmpty(call);
}

function stopOptions(call: Call): StopOptions {
  return {
    signal: call.atLeast("1.42") ? call.query.optional("signal") : undefined,
    timeout: call.query.int("t"),
  };
}

async function stop(call: Call): Promise<void> {
  await call.backend.containers.stop(call.param("id"), stopOptions(call), call.signal);
  sendEmpty(call);
}

async function restart(call: Call): Promise<void> {
  await call.backend.containers.restart(call.param("id"), stopOptions(call), call.signal);
  sendEmpty(call);
}

async function kill(call: Call): Promise<void> {
  await call.backend.containers.kill(call.param("id"), { signal: call.query.optional("signal") });
  sendEmpty(call);
}

async function pause(call: Call): Promise<void> {
  await call.backend.containers.pause(call.param("id"));
  sendEmpty(call);
}

async function unpause(call: Call): Promise<void> {
  await call.backend.containers.unpause(call.param("id"));
  sendEmpty(call);
}

async function rename(call: Call): Promise<void> {
  await call.backend.containers.rename(call.param("id"), call.query.text("name"));
  sendEmpty(call);
}

async function update(call: Call): Promise<void> {
  const request = shapeUpdate((await readJson(call, updateBody)) ?? {}, call);
  sendJson(call, await call.backend.containers.update(call.param("id"), request));
}

async function resize(call: Call): Promise<void> {
  await call.backend.containers.resize(call.param("id"), ...terminalSize(call));
  sendEmpty(call, 200);
}

/** Height and width of /resize. @throws HoyError "invalid" unless both are there and fit a terminal. */
export function terminalSize(call: Call): [height: number, width: number] {
  const side = (name: string, word: string) => {
    const value = call.query.text(name);
    const bad = (why: string) =>
      new HoyError("invalid", `invalid resize ${word} ${JSON.stringify(value.slice(0, 40))}: ${why}`);
    if (!/^-?[0-9]+$/.test(value)) throw bad("invalid syntax");
    const number = Number(value);
    if (number < 0 || number > 0xffff_ffff) throw bad("value out of range");
    return number;
  };
  return [side("h", "height"), side("w", "width")];
}

const CONDITIONS: readonly string[] = ["not-running", "next-exit", "removed"] satisfies WaitCondition[];

async function wait(call: Call): Promise<void> {
  const { result } = await call.backend.containers.wait(call.param("id"), waitCondition(call), call.signal);
  // Before 1.30 the head came with the result. Since then it tells that the wait is armed: `run` starts the container
  // only after it has seen it, so that no exit is missed.
  call.parts.endless();
  if (call.atLeast("1.30")) beginStream(call, "application/json");
  const gone = aborted(call.signal);
  try {
    const answer = await Promise.race([result, gone.promise]);
    if (answer === undefined) return;
    if (!call.response.headersSent) return sendJson(call, answer);
    together(call.response, () => call.response.end(`${JSON.stringify(answer)}\n`));
  } finally {
    gone.forget();
  }
}

function waitCondition(call: Call): WaitCondition {
  const given = call.atLeast("1.30") ? call.query.text("condition") : "";
  if (given === "") return "not-running";
  if (!CONDITIONS.includes(given)) {
    throw new HoyError("invalid", `invalid condition: ${JSON.stringify(given.slice(0, 40))}`);
  }
  return given as WaitCondition;
}

async function remove(call: Call): Promise<void> {
  // Only a link has two names: the container's that has it, and its alias.
  const alias = call.param("alias");
  const ref = alias === "" ? call.param("id") : `${call.param("id")}/${alias}`;
  await call.backend.containers.remove(ref, {
    force: call.query.bool("force"),
    volumes: call.query.bool("v"),
    link: call.query.bool("link"),
  });
  sendEmpty(call);
}

async function prune(call: Call): Promise<void> {
  const { deleted, spaceReclaimed } = await call.backend.containers.prune(parseFilters(call.query.text("filters")));
  sendJson(call, { ContainersDeleted: deleted, SpaceReclaimed: spaceReclaimed });
}
