// `context import`: what `context export` wrote. The archive is a stranger's: only the few files it may hold are read,
// and only so much of them.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { type ContextMeta, ContextStore } from "../../config/contexts.ts";
import { openFailure } from "../../run/environment.ts";
import { contextStore } from "../../session.ts";

const LIMIT = 10 << 20;
const TLS_FILE = /^tls\/docker\/(ca|cert|key)\.pem$/;

export const importContext = command({
  usage: "CONTEXT FILE|-",
  args: args.exactly(2),
  flags: {},
  async run(context, { args: [name = "", source = ""] }) {
    const { io } = context;
    ContextStore.checkName(name);
    const store = contextStore(context);
    if (store.has(name)) throw new ExitError(1, `context ${JSON.stringify(name)} already exists`);
    const archive = source === "-" ? io.stdin.read() : [readArchive(resolve(io.cwd, source), source)];
    const files = await readFiles(archive);
    const meta = parseMeta(files.get("meta.json"));
    const tls = [...files]
      .filter(([file]) => TLS_FILE.test(file))
      .map(([file, text]) => [file.slice("tls/docker/".length), text]);
    store.put({ ...meta, Name: name }, Object.fromEntries(tls));
    io.stdout.line(name);
    io.stderr.line(`Successfully imported context ${JSON.stringify(name)}`);
  },
});

function readArchive(path: string, written: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw new ExitError(1, openFailure(written, thrown));
  }
}

async function readFiles(archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const tar = extract();
  Readable.from(archive)
    .on("error", (error) => tar.destroy(error))
    .pipe(tar);
  let size = 0;
  try {
    for await (const entry of tar) {
      const pieces: Uint8Array[] = [];
      for await (const piece of entry) {
        size += (piece as Uint8Array).length;
        if (size > LIMIT) throw new Error(`context archive exceeds ${LIMIT} bytes`);
        pieces.push(piece as Uint8Array);
      }
      if (entry.header.type === "file") files.set(entry.header.name, Buffer.concat(pieces).toString());
    }
  } catch (thrown) {
    throw new ExitError(1, `invalid context archive: ${messageOf(thrown)}`);
  }
  return files;
}

function parseMeta(text: string | undefined): ContextMeta {
  if (text === undefined) throw new ExitError(1, "invalid context: no metadata found");
  let meta: Partial<ContextMeta>;
  try {
    meta = JSON.parse(text) as Partial<ContextMeta>;
  } catch (thrown) {
    throw new ExitError(1, `invalid context: ${messageOf(thrown)}`);
  }
  return { Name: "", Metadata: meta.Metadata ?? {}, Endpoints: meta.Endpoints ?? {} };
}
