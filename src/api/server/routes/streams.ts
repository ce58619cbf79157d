// /containers: what flows: logs, attach, statistics, and files in and out as tar.

import { HoyError, toHoyError } from "../../../base/error.ts";
import type { AttachOptions, LogStream, PathStat } from "../../backend.ts";
import { frame } from "../../stdcopy.ts";
import type { Call } from "../call.ts";
import { hijackAttach, MULTIPLEXED_STREAM, RAW_STREAM } from "../hijack.ts";
import { beginStream, messageOf, pump, sendBytes, sendEmpty, sendJson, sendLines } from "../reply.ts";
import type { Route } from "../router.ts";

export const streamRoutes: readonly Route[] = [
  { method: "GET", path: "/containers/{id*}/logs", handler: logs },
  { method: "POST", path: "/containers/{id*}/attach", handler: attach, hijack: true },
  { method: "GET", path: "/containers/{id*}/stats", handler: stats },
  { method: "GET", path: "/containers/{id*}/export", handler: exportAll },
  { method: "HEAD", path: "/containers/{id*}/archive", handler: archiveStat },
  { method: "GET", path: "/containers/{id*}/archive", handler: archiveGet },
  { method: "PUT", path: "/containers/{id*}/archive", handler: archivePut },
];

async function logs(call: Call): Promise<void> {
  const { query } = call;
  const stdout = query.bool("stdout");
  const stderr = query.bool("stderr");
  if (!stdout && !stderr) throw new HoyError("invalid", "Bad parameters: you must choose at least one stream");
  const tail = query.text("tail");
  const stream = await call.backend.containers.logs(
    call.param("id"),
    {
      stdout,
      stderr,
      follow: query.bool("follow"),
      since: query.time("since"),
      until: query.time("until"),
      timestamps: query.bool("timestamps"),
      details: query.bool("details"),
      // "all", and anything else that is no number, is all (moby daemon/logs.go).
      tail: /^[0-9]{1,15}$/.test(tail) ? Number(tail) : undefined,
    },
    call.signal,
  );
  if (query.bool("follow")) call.parts.endless();
  beginStream(call, !stream.tty && call.atLeast("1.42") ? MULTIPLEXED_STREAM : RAW_STREAM);
  await pump(call, framed(stream));
  call.response.end();
}

/** An error in the middle is told in a frame of its own, which clients print on stderr. */
async function* framed(stream: LogStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const { stream: name, data } of stream.chunks) yield stream.tty ? data : frame(name, data);
  } catch (thrown) {
    const text = Buffer.from(`Error grabbing logs: ${messageOf(toHoyError(thrown))}\n`);
    yield stream.tty ? text : frame("systemerr", text);
  }
}

/** Options of attach, which the websocket has too. */
export function attachOptions(call: Call): AttachOptions {
  const { query } = call;
  return {
    stdin: query.bool("stdin"),
    stdout: query.bool("stdout"),
    stderr: query.bool("stderr"),
    logs: query.bool("logs"),
    stream: query.bool("stream"),
    detachKeys: query.optional("detachKeys"),
  };
}

async function attach(call: Call): Promise<void> {
  const options = attachOptions(call);
  const stream = await call.backend.containers.attach(call.param("id"), options, call.signal);
  await hijackAttach(call, stream, options.stdin && options.stream);
}

async function stats(call: Call): Promise<void> {
  const stream = call.query.bool("stream", true);
  const oneShot = call.atLeast("1.41") && call.query.bool("one-shot");
  if (stream && oneShot) throw new HoyError("invalid", "cannot have stream=true and one-shot=true");
  const samples = await call.backend.containers.stats(call.param("id"), { stream, oneShot }, call.signal);
  if (stream) {
    call.parts.endless();
    return sendLines(call, samples);
  }
  for await (const sample of samples) return sendJson(call, sample);
  throw new HoyError("internal", "no statistics were given");
}

async function exportAll(call: Call): Promise<void> {
  await sendBytes(
    call,
    "application/octet-stream",
    await call.backend.containers.export(call.param("id"), call.signal),
  );
}

export function archivePath(call: Call): string {
  const path = call.query.text("path");
  if (path === "") throw new HoyError("invalid", "bad parameter: path cannot be empty");
  return path;
}

export function statHeader(stat: PathStat): Record<string, string> {
  return { "X-Docker-Container-Path-Stat": Buffer.from(JSON.stringify(stat)).toString("base64") };
}

async function archiveStat(call: Call): Promise<void> {
  sendEmpty(call, 200, statHeader(await call.backend.containers.archiveStat(call.param("id"), archivePath(call))));
}

async function archiveGet(call: Call): Promise<void> {
  const { stat, tar } = await call.backend.containers.archiveGet(call.param("id"), archivePath(call), call.signal);
  await sendBytes(call, "application/x-tar", tar, statHeader(stat));
}

async function archivePut(call: Call): Promise<void> {
  const options = {
    path: archivePath(call),
    noOverwriteDirNonDir: call.query.bool("noOverwriteDirNonDir"),
    copyUidGid: call.query.bool("copyUIDGID"),
  };
  await call.backend.containers.archivePut(call.param("id"), options, call.body(), call.signal);
  sendEmpty(call, 200);
}
