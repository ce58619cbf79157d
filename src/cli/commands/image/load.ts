// `load`: images from an archive of `save`, from a file or standard input.

import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { ProgressMessage } from "../../../api/backend.ts";
import { parsePlatform } from "../../../image/platform.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { displayProgress } from "../../progress/display.ts";
import { openFailure } from "../../run/environment.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { fileChunks } from "../../stream/files.ts";

export const load = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    input: flag.string("Read from tar archive file, instead of STDIN", { short: "i" }),
    platform: flag.strings(
      'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: flag.bool("Suppress the load output", { short: "q" }),
  },
  async run(context, { flags }) {
    const { engine, io } = context;
    await using input = await openInput(context, flags.input);
    const { headers, body } = await engine.send("POST", "/images/load", {
      // Progress bars only where they can move.
      query: { quiet: flags.quiet || !io.stdout.isTTY ? "1" : "0", platform: flags.platform.map(platformJson) },
      upload: { type: "application/x-tar", body: input.chunks },
    });
    if ((headers.get("content-type") ?? "").includes("json")) {
      await displayProgress(io.stdout, jsonLines<ProgressMessage>(body));
      return;
    }
    for await (const data of body) await io.stdout.write(data);
  },
});

interface Source extends AsyncDisposable {
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The file, or standard input for "". @throws ExitError */
export async function openInput({ io }: Pick<Context, "io">, path: string): Promise<Source> {
  if (path === "") {
    if (io.stdin.isTTY) throw new ExitError(1, "requested load from stdin, but stdin is empty");
    return { chunks: io.stdin.read(), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  try {
    const file = await open(resolve(io.cwd, path), "r");
    return { chunks: fileChunks(file), [Symbol.asyncDispose]: () => file.close() };
  } catch (thrown) {
    throw new ExitError(1, openFailure(path, thrown));
  }
}

/** "os/arch/variant" as the API's JSON. */
export function platformJson(text: string): string {
  const { os, architecture, variant } = parsePlatform(text);
  return JSON.stringify({ architecture, os, ...(variant === undefined ? {} : { variant }) });
}
