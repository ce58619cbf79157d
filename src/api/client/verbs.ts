// What every group of verbs shares: path parts, streams of JSON lines, hijacked streams as frames.

import { HoyError } from "../../base/error.ts";
import type { OutputChunk, RegistryAuth } from "../backend.ts";
import { demultiplex } from "../stdcopy.ts";
import type { Answer, Hijacked } from "./transport.ts";

/** A two-way stream to a process, its output told apart. */
export interface ProcessStream {
  readonly output: AsyncGenerator<OutputChunk>;
  write(data: Uint8Array): Promise<void>;
  /** End of input; output goes on. */
  closeWrite(): void;
  close(): void;
}

/** One segment of a path. */
export const segment = encodeURIComponent;

/** An image reference in a path keeps its slashes. */
export const reference = (name: string): string => name.split("/").map(segment).join("/");

const MAX_LINE = 16 * 1024 * 1024;

/** The JSON values of a stream, one after the other; lines that are cut anywhere are put together. */
export async function* jsonLines<T>(answer: Answer): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const piece of answer.body) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new HoyError("unavailable", "the engine sent too long a line");
      for (const line of lines) if (line.trim() !== "") yield parse<T>(line);
    }
    if (rest.trim() !== "") yield parse<T>(rest);
  } finally {
    answer.close();
  }
}

function parse<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new HoyError("unavailable", "the engine sent a line that is not JSON", { cause });
  }
}

/**
 * Bytes of a body as stdout and stderr. `tty` says what the container has, for engines older than 1.42, whose
 * Content-Type does not tell.
 * @throws HoyError "internal" with what the engine said in a "systemerr" frame.
 */
export async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  mediaType: string,
  tty: boolean,
): AsyncGenerator<OutputChunk> {
  if (tty && !mediaType.includes("multiplexed")) {
    for await (const data of source) yield { stream: "stdout", data };
    return;
  }
  for await (const { stream, data } of demultiplex(source)) {
    if (stream === "systemerr") {
      throw new HoyError("internal", `error from daemon in stream: ${new TextDecoder().decode(data).trim()}`);
    }
    yield { stream: stream === "stderr" ? "stderr" : "stdout", data };
  }
}

export function processStream(hijacked: Hijacked, tty: boolean): ProcessStream {
  return {
    output: chunksOf(hijacked.output, hijacked.mediaType, tty),
    write: hijacked.write,
    closeWrite: hijacked.closeWrite,
    close: hijacked.close,
  };
}

/** Headers with the registry's credentials, base64url as Docker has it. */
export function authHeaders(auth: RegistryAuth | undefined): Record<string, string> {
  if (auth === undefined) return {};
  return { "X-Registry-Auth": Buffer.from(JSON.stringify(auth)).toString("base64url") };
}

/** "os/arch[/variant]" as the JSON that newer routes want. */
export function platformJson(platform: string | undefined): string | undefined {
  if (platform === undefined) return undefined;
  const [os = "", architecture = "", variant] = platform.split("/");
  return JSON.stringify(variant === undefined ? { os, architecture } : { os, architecture, variant });
}
