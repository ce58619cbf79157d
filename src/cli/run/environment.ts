// -e, --env-file, --label-file: files of KEY=VALUE lines, and variables taken from the client's own environment.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf, UsageError } from "../base/errors.ts";
import { cut } from "../base/text.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Files larger than this are no lists of variables. */
const MAX_FILE = 16 << 20;

/** "KEY=VALUE" stays; "KEY" takes the client's value, or stays bare, which removes the variable. @throws UsageError */
export function checkEnv(text: string, environment: Environment): string {
  const [key] = cut(text, "=");
  if (key === "") throw new UsageError(`invalid environment variable: ${text}`);
  const value = environment[key];
  return text.includes("=") || value === undefined ? text : `${key}=${value}`;
}

/** @throws UsageError */
export function checkLabel(text: string): string {
  const key = cut(text, "=")[0].replace(/^[ \t]+/, "");
  if (key === "") throw new UsageError(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(key)) throw new UsageError(`label '${key}' contains whitespaces`);
  return text;
}

/**
 * The lines of such files, in order; comments and blank lines dropped. A bare KEY takes `environment`'s value, and is
 * dropped when it has none (labels pass an empty environment).
 * @throws UsageError
 */
export function readKeyValueFiles(files: readonly string[], cwd: string, environment: Environment): string[] {
  return files.flatMap((file) => {
    const lines = readLines(file, cwd);
    try {
      return lines.flatMap((line) => parseLine(line, environment));
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
      throw new UsageError(`invalid env file (${file}): ${thrown.message}`);
    }
  });
}

function readLines(file: string, cwd: string): string[] {
  let data: Buffer;
  try {
    data = readFileSync(resolve(cwd, file));
  } catch (thrown) {
    const why = openFailure(file, thrown);
    throw new UsageError(why.startsWith("read ") ? `invalid env file (${file}): ${why}` : why);
  }
  if (data.length > MAX_FILE) throw new UsageError(`invalid env file (${file}): more than ${MAX_FILE} bytes`);
  const text = new TextDecoder("utf-8", { fatal: true });
  return data
    .toString("latin1")
    .split("\n")
    .map((line, index) => {
      const bytes = Buffer.from(line.replace(/\r$/, ""), "latin1");
      try {
        return text.decode(bytes);
      } catch {
        throw new UsageError(
          `invalid env file (${file}): invalid utf8 bytes at line ${index + 1}: [${bytes.join(" ")}]`,
        );
      }
    });
}

function parseLine(raw: string, environment: Environment): string[] {
  const line = raw.replace(/^\s+/, "");
  if (line === "" || line.startsWith("#")) return [];
  const [key] = cut(line, "=");
  if (key === "") throw new UsageError(`no variable name on line '${line}'`);
  if (/[ \t]/.test(key)) throw new UsageError(`variable '${key}' contains whitespaces`);
  if (line.includes("=")) return [line];
  const value = environment[key];
  return value === undefined ? [] : [`${key}=${value}`];
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};

/** Go's "open FILE: why". */
export function openFailure(file: string, thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const verb = code === "EISDIR" ? "read" : "open";
  return `${verb} ${file}: ${REASONS[code] ?? messageOf(thrown)}`;
}
