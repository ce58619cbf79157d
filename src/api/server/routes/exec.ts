// /exec and POST /containers/{id}/exec: commands in a container that runs.

import { HoyError, toHoyError } from "../../../base/error.ts";
import type { AttachStream, OutputChunk } from "../../backend.ts";
import { execCreateBody, execStartBody } from "../bodies/container.ts";
import type { Call } from "../call.ts";
import { hijackAttach } from "../hijack.ts";
import { needJson, readJson } from "../json.ts";
import { messageOf, sendEmpty, sendJson } from "../reply.ts";
import type { Route } from "../router.ts";
import { terminalSize } from "./containers.ts";

export const execRoutes: readonly Route[] = [
  { method: "POST", path: "/containers/{id*}/exec", handler: create },
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

/**
 * What is wrong with the exec itself (unknown, container paused) has its status. A command that can't be run is told in
 * the stream, as in Docker: clients then ask for the exit code (126, 127), which a status would hide.
 */
async function start(call: Call): Promise<void> {
  const request = (await readJson(call, execStartBody)) ?? {};
  if (!call.atLeast("1.42") || request.Tty !== true) delete request.ConsoleSize;
  const id = call.param("id");
  const { OpenStdin } = await call.backend.exec.inspect(id);
  let stream: AttachStream | undefined;
  try {
    stream = await call.backend.exec.start(id, request, call.signal);
  } catch (thrown) {
    const error = toHoyError(thrown);
    if (request.Detach === true || !["invalid", "internal"].includes(error.code)) throw error;
    stream = lastWords(`${messageOf(error)}\r\n`, request.Tty === true);
  }
  if (stream === undefined) return sendEmpty(call, 200);
  await hijackAttach(call, stream, OpenStdin);
}

/** A stream that says one thing and ends. */
function lastWords(text: string, tty: boolean): AttachStream {
  async function* output(): AsyncGenerator<OutputChunk> {
    yield { stream: "stdout", data: Buffer.from(text) };
  }
  return { tty, output: output(), write: async () => undefined, endInput: () => undefined, close: () => undefined };
}

async function resize(call: Call): Promise<void> {
  await call.backend.exec.resize(call.param("id"), ...terminalSize(call));
  sendEmpty(call, 200);
}

async function inspect(call: Call): Promise<void> {
  sendJson(call, await call.backend.exec.inspect(call.param("id")));
}
