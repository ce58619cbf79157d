// Which log driver a container has and with which options, checked when it is created, and as the shim takes it.
// Option names and errors are Docker's (moby daemon/logger); by default a log is rotated: three files of 10 MB.

import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { shortId } from "../../base/id.ts";
import type { LogDriverSettings } from "../../base/settings.ts";
import type { LogSettings } from "../../runtime/contract.ts";
import type { ContainerSpec } from "../../state/containers.ts";

type Options = Readonly<Record<string, string>>;
type LogConfig = NonNullable<HostConfig["LogConfig"]>;

const MB = 1_000_000;
const COMMON = ["mode", "max-buffer-size"];
const FILES = ["max-size", "max-file", "compress"];
const ATTRIBUTES = ["labels", "labels-regex", "env", "env-regex", "tag"];

const DRIVERS: Readonly<Record<LogSettings["driver"], { options: readonly string[]; size: number; files: number }>> = {
  "json-file": { options: [...COMMON, ...FILES, ...ATTRIBUTES], size: 10 * MB, files: 3 },
  local: { options: [...COMMON, ...FILES], size: 20 * MB, files: 5 },
  none: { options: [], size: 0, files: 1 },
};

/**
 * The container's log config with the daemon's filled in where it has none, checked.
 * @throws HoyError "invalid" for unknown drivers, options and values.
 */
export function resolveLogConfig(wanted: LogConfig | undefined, daemon: LogDriverSettings): LogConfig {
  const type = wanted?.Type || daemon.driver || "json-file";
  const driver = driverNamed(type);
  const inherited = type === (daemon.driver || "json-file") ? daemon.options : {};
  const options = { ...inherited, ...wanted?.Config };
  for (const key of Object.keys(options)) {
    if (DRIVERS[driver].options.includes(key)) continue;
    fail(`unknown log opt '${key}' for ${driver === "local" ? "log driver local" : `${driver} log driver`}`);
  }
  limits(driver, options);
  for (const key of ["labels-regex", "env-regex"]) checkPattern(options[key]);
  if (options.tag !== undefined) expandTag(options.tag, () => "");
  return { Type: driver, Config: options };
}

/** What the shim needs to write the log. The config was resolved at create. */
export function logSettings(spec: ContainerSpec, path: string): LogSettings {
  const config = spec.hostConfig.LogConfig;
  const driver = driverNamed(config?.Type ?? "json-file");
  const options = config?.Config ?? {};
  const attributes = logAttributes(spec, options);
  return {
    driver,
    path,
    ...limits(driver, options),
    attrs: Object.keys(attributes).length === 0 ? "" : JSON.stringify(attributes),
  };
}

function driverNamed(type: string): LogSettings["driver"] {
  if (type === "json-file" || type === "local" || type === "none") return type;
  throw new HoyError("invalid", `logger: no log driver named '${type.slice(0, 64)}' is registered`); // clients compare these words
}

function limits(driver: LogSettings["driver"], options: Options) {
  const defaults = DRIVERS[driver];
  const unlimited = options["max-size"] === "-1";
  const maxSize = unlimited ? 0 : (size("max-size", options["max-size"]) ?? defaults.size);
  const maxFile = count(options["max-file"]) ?? defaults.files;
  const compress = flag(options.compress);
  if (compress === true && (maxFile < 2 || maxSize === 0)) {
    fail("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  const mode = options.mode ?? "blocking";
  if (mode !== "blocking" && mode !== "non-blocking") fail(`logger: logging mode not valid: ${mode}`);
  if (options["max-buffer-size"] !== undefined && mode !== "non-blocking") {
    fail("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  return {
    maxSize,
    maxFile,
    compress: compress ?? (maxFile > 1 && maxSize > 0),
    mode: mode as LogSettings["mode"],
    maxBuffer: size("max-buffer-size", options["max-buffer-size"]) ?? MB,
  };
}

/** "10m" → 10,000,000 (units are powers of ten, as Docker's log drivers read them). */
function size(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^(\d{1,9}(?:\.\d{1,3})?) ?([kmgt]?)i?b?$/i.exec(text);
  const power = ["", "k", "m", "g", "t"].indexOf((match?.[2] ?? "").toLowerCase());
  const bytes = Math.floor(Number(match?.[1]) * 1000 ** power);
  if (match === null || bytes <= 0) fail(`invalid value for ${name}: ${text}`);
  return bytes;
}

function count(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,4}$/.test(text)) fail(`invalid value for max-file: ${text}`);
  if (Number(text) < 1) fail("max-file cannot be less than 1");
  return Number(text);
}

function flag(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (["1", "t", "true", "True", "TRUE", "T"].includes(text)) return true;
  if (["0", "f", "false", "False", "FALSE", "F"].includes(text)) return false;
  return fail(`invalid value for compress: ${text}`);
}

/** json-file's "attrs": labels and variables that were asked for, and the tag. */
function logAttributes(spec: ContainerSpec, options: Options): Record<string, string> {
  const { config } = spec;
  const attributes: Record<string, string> = {};
  if (options.tag) attributes.tag = expandTag(options.tag, (key) => tagValue(spec, key));
  select(attributes, config.Labels ?? {}, options.labels, options["labels-regex"]);
  select(attributes, environment(config), options.env, options["env-regex"]);
  return attributes;
}

function environment(config: ContainerConfig): Record<string, string> {
  const pairs = (config.Env ?? []).map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function select(to: Record<string, string>, from: Options, list = "", pattern = ""): void {
  const wanted = new Set(list.split(",").filter((name) => name !== ""));
  const regex = pattern === "" ? undefined : new RegExp(pattern);
  for (const [key, value] of Object.entries(from)) {
    if (wanted.has(key) || regex?.test(key)) to[key] = value;
  }
}

function checkPattern(text: string | undefined): void {
  if (text === undefined) return;
  if (text.length > 256) fail("a log option's regular expression is too long");
  try {
    new RegExp(text);
  } catch (error) {
    throw new HoyError("invalid", `a log option's regular expression is not valid: ${text}`, { cause: error });
  }
}

const TAG_VALUES = ["ID", "FullID", "Name", "ImageName", "ImageID", "ImageFullID", "DaemonName"];

/** The tag's `{{.Name}}` and the like. @throws HoyError "invalid" for other template words. */
function expandTag(template: string, value: (key: string) => string): string {
  const expanded = template.replaceAll(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, key: string) =>
    TAG_VALUES.includes(key) ? value(key) : whole,
  );
  if (expanded.includes("{{"))
    fail(`the log option tag knows only ${TAG_VALUES.map((key) => `{{.${key}}}`).join(" ")}`);
  return expanded;
}

function tagValue(spec: ContainerSpec, key: string): string {
  const values: Record<string, string> = {
    ID: shortId(spec.id),
    FullID: spec.id,
    Name: spec.name,
    ImageName: spec.config.Image ?? "",
    ImageID: shortId(spec.image.id),
    ImageFullID: spec.image.id,
    DaemonName: "hoy",
  };
  return values[key] ?? "";
}

function fail(message: string): never {
  throw new HoyError("invalid", message);
}
