// /exec and POST /containers/{id}/exec: commands in a container that runs.

import { HoyError } from "../../../base/error.ts";
import { execCreateBody, execStartBody } from "../bodies/container.ts";
import type { Call } from "../call.ts";
import { hijackAttach } from "../hijack.ts";
import { needJson, readJson } from "../json.ts";
import { sendEmpty, sendJson } from "../reply.ts";
import type { Route } from "../router.ts";
import { terminalSize } from "./containers.ts";

export const execRoutes: readonly Route[] = [
  { method: "POST", path: "/containers/{id}/exec", handler: create },
  { method: "POST", path: "/exec/{id}/start", handler: start, hijack: true },
  { method: "POST", path: "/exec/{id}/resize", handler: resize },
  { method: "GET", path: "/exec/{id}/json", handler: inspect },
];

async function create(call: Call): Promise<void> {
  const request = await needJson(call, execCreateBody);
  if ((request.Cmd ?? []).length === 0) throw new HoyError("invalid", "No exec command specified");
  if (!call.atLeast("1.42")) delete request.ConsoleSize;
  sendJson(call, await call.backend.exec.create(call.param("id"), request), 201);
}

async function start(call: Call): Promise<void> {
  const request = (await readJson(call, execStartBody)) ?? {};
  if (!call.atLeast("1.42")) delete request.ConsoleSize;
  const { OpenStdin } = await call.backend.exec.inspect(call.param("id"));
  const stream = await call.backend.exec.start(call.param("id"), request, call.signal);
  if (stream === undefined) return sendEmpty(call, 200);
  await hijackAttach(call, stream, OpenStdin);
}

async function resize(call: Call): Promise<void> {
  await call.backend.exec.resize(call.param("id"), ...terminalSize(call));
  sendEmpty(call, 200);
}

async function inspect(call: Call): Promise<void> {
  sendJson(call, await call.backend.exec.inspect(call.param("id")));
}
