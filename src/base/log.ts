// The daemon's log: one line an event, to standard error, as text (like logrus, which Docker's users grep) or JSON.
// Not the logs of containers. Level and format are set once by the daemon and may change on SIGHUP.

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

export type LogFields = Readonly<Record<string, unknown>>;

export interface LogSink {
  level: LogLevel;
  format: "text" | "json";
  write: (line: string) => void;
  now: () => Date;
}

const sink: LogSink = {
  level: "info",
  format: "text",
  write: (line) => process.stderr.write(line),
  now: () => new Date(),
};

/** Changes where and how the log is written. */
export function configureLog(change: Partial<LogSink>): void {
  Object.assign(sink, change);
}

export function logLevel(): LogLevel {
  return sink.level;
}

export const log = {
  debug: (message: string, fields?: LogFields) => emit("debug", message, fields),
  info: (message: string, fields?: LogFields) => emit("info", message, fields),
  warn: (message: string, fields?: LogFields) => emit("warn", message, fields),
  error: (message: string, fields?: LogFields) => emit("error", message, fields),
};

function emit(level: LogLevel, message: string, fields: LogFields = {}): void {
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(sink.level)) return;
  const time = sink.now().toISOString();
  sink.write(sink.format === "json" ? jsonLine(level, message, time, fields) : textLine(level, message, time, fields));
}

function jsonLine(level: LogLevel, message: string, time: string, fields: LogFields): string {
  const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]));
  return `${JSON.stringify({ ...plain, level, msg: message, time })}\n`;
}

function textLine(level: LogLevel, message: string, time: string, fields: LogFields): string {
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quoted(String(plainValue(value)))}`);
  return `time=${quoted(time)} level=${level === "warn" ? "warning" : level} msg=${quoted(message)}${rest.join("")}\n`;
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** Bare where nothing in it could be mistaken (logrus's rule); else a JSON string, so that a line stays one line. */
function quoted(text: string): string {
  return /^[a-zA-Z0-9\-._/@^+]+$/.test(text) ? text : JSON.stringify(text);
}
