// GET /containers/{id}/logs: from entries to what the client sees, with time stamps, details and bounds in time.

import type { LogOptions, LogStream, OutputChunk } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { Container } from "../containers/container.ts";
import { isActive } from "../containers/machine.ts";
import { formatNs, nowNs, parseTimestamp } from "../time.ts";
import { logEntries, type OpenedLog } from "./entries.ts";
import { closeAll, openLogFiles } from "./files.ts";
import { type LogEntry, logFormat } from "./format.ts";

/** @throws HoyError "invalid" for bad options; "internal" with Docker's words for a driver that can't be read. */
export async function containerLogs(
  container: Container,
  options: LogOptions,
  signal: AbortSignal,
): Promise<LogStream> {
  if (!options.stdout && !options.stderr) {
    throw new HoyError("invalid", "Bad parameters: you must choose at least one stream");
  }
  const driver = container.spec.hostConfig.LogConfig?.Type ?? "json-file";
  logFormat(driver);
  if (options.since !== undefined) parseTimestamp(options.since);
  if (options.until !== undefined) parseTimestamp(options.until);
  // Opened before there is an answer: clients (docker-py's run) remove the container before they read what they asked for.
  // Whether it is followed is decided before that, or a rotation between the two could hide what comes last.
  const follow = options.follow && isActive(container.state);
  const files = driver === "none" ? [] : await openLogFiles(container.paths.log);
  const chunks = readOpened(container, { ...options, follow }, { files, end: undefined }, signal);
  return { tty: container.spec.config.Tty ?? false, chunks };
}

/** As `readLogs`, beginning with these files, which are closed at its end, also when it is never read. */
export function readOpened(
  container: Container,
  options: LogOptions,
  opened: OpenedLog,
  signal?: AbortSignal,
): AsyncIterable<OutputChunk> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = readLogs(container, options, signal, opened);
      let begun = false;
      return {
        next() {
          begun = true;
          return chunks.next();
        },
        async return() {
          // A generator that was not begun has nothing that would close them.
          if (!begun) await closeAll(opened.files);
          return chunks.return();
        },
      };
    },
  };
}

/** Nothing for a container without a log that can be read (driver none, or never started). */
export async function* readLogs(
  container: Container,
  options: LogOptions,
  signal?: AbortSignal,
  opened?: OpenedLog,
): AsyncGenerator<OutputChunk, void, void> {
  const driver = container.spec.hostConfig.LogConfig?.Type ?? "json-file";
  if (driver === "none") return;
  const since = options.since === undefined ? undefined : parseTimestamp(options.since);
  const until = options.until === undefined ? undefined : parseTimestamp(options.until);
  const stop = new AbortController();
  const cancel = () => stop.abort();
  signal?.addEventListener("abort", cancel);
  if (signal?.aborted) cancel();
  const follow = options.follow && (until === undefined || until > nowNs());
  const timer =
    follow && until !== undefined
      ? setTimeout(cancel, Math.min(Number((until - nowNs()) / 1_000_000n) + 1, 2 ** 31 - 1))
      : undefined;
  const print = printer(options);
  try {
    const entries = logEntries({
      path: container.paths.log,
      format: logFormat(driver),
      tail: options.tail,
      follow,
      live: () => isActive(container.state),
      signal: stop.signal,
      onEnd: (wake) => container.onExit(wake),
      opened,
    });
    for await (const entry of entries) {
      if (stop.signal.aborted && signal?.aborted) return;
      if (until !== undefined && entry.time > until) return;
      if (since !== undefined && entry.time < since) continue;
      if (entry.stream === "stdout" ? options.stdout : options.stderr) yield print(entry);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

/** Time and details stand before a line, not before each piece of a long one. */
function printer(options: LogOptions): (entry: LogEntry) => OutputChunk {
  const inLine = { stdout: false, stderr: false };
  return (entry) => {
    const begins = !inLine[entry.stream];
    inLine[entry.stream] = entry.line.at(-1) !== 10;
    let prefix = "";
    if (begins && options.timestamps) prefix += `${formatNs(entry.time)} `;
    if (begins && options.details) prefix += `${details(entry.attrs)} `;
    return {
      stream: entry.stream,
      data: prefix === "" ? entry.line : Buffer.concat([Buffer.from(prefix), entry.line]),
    };
  };
}

/** As Docker writes them: sorted, `key=value` with URL escapes, joined by commas. */
function details(attrs: Readonly<Record<string, string>>): string {
  return Object.entries(attrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join(",");
}
