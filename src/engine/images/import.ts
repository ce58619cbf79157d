// `import`: a root file system in a tar, from the request's body or a URL, becomes an image of one layer.

import type { ImportOptions, ProgressMessage } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { applyChanges } from "../../image/changes.ts";
import { type ImageConfigFile, writeConfig } from "../../image/config.ts";
import { hostPlatform, parsePlatform } from "../../image/platform.ts";
import { decompress } from "../../storage/decompress.ts";
import { now } from "../time.ts";
import { addTar } from "./add-tar.ts";
import { emitImage, type ImageContext } from "./context.ts";
import { counted, messagesOf, type Say } from "./messages.ts";
import { nameImage, repositoryAndTag } from "./tag.ts";

/** Everything that can be said before the data is read is thrown here; the rest comes in the stream. */
export async function importImage(
  context: ImageContext,
  options: ImportOptions,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const name = repositoryAndTag(options.repo, options.tag);
  const platform = options.platform ? parsePlatform(options.platform) : hostPlatform;
  if (platform.os !== "linux") throw new HoyError("invalid", `cannot import an image for ${platform.os} on linux`);
  const run = applyChanges({}, options.changes);
  const comment = options.message === "" ? `Imported from ${options.source}` : options.message;
  const remote = options.source === "-" ? undefined : await open(options.source, signal);
  return messagesOf(signal, async (say, abort) => {
    const source = remote === undefined ? body : downloading(remote, say);
    await using session = context.shelf.session();
    const { layer, blobs } = await addTar(context.shelf, session, decompress(source, { signal: abort }), {
      signal: abort,
    });
    const created = now();
    const config: ImageConfigFile = {
      created,
      comment,
      architecture: platform.architecture,
      variant: platform.variant,
      os: platform.os,
      config: run,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created, comment }],
    };
    const id = await context.shelf.add({
      config: writeConfig(config),
      layers: [layer],
      blobs,
      manifest: undefined,
      parent: undefined,
      session,
    });
    if (name !== undefined) await nameImage(context, id, name);
    await emitImage(context, "import", id);
    say({ status: id });
  });
}

interface Remote {
  readonly url: URL;
  readonly length: number;
  readonly data: AsyncIterable<Uint8Array>;
}

async function open(source: string, signal: AbortSignal): Promise<Remote> {
  const text = source.includes("://") ? source : `http://${source}`;
  if (!URL.canParse(text)) throw new HoyError("invalid", `${source} is not a URL`);
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new HoyError("invalid", `can't import from ${url.protocol}//: only http and https`);
  }
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new HoyError("unavailable", `can't download ${url}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  if (!response.ok || response.body === null) {
    const code = response.status === 404 ? "not-found" : "unavailable";
    throw new HoyError(code, `failed to GET ${url} with status ${response.status} ${response.statusText}`);
  }
  return { url, length: Number(response.headers.get("content-length") ?? 0), data: response.body };
}

function downloading({ url, length, data }: Remote, say: Say): AsyncIterable<Uint8Array> {
  say({ status: `Downloading from ${url}` });
  return counted(data, (current) =>
    say({ status: "Importing", progressDetail: length > 0 ? { current, total: length } : { current } }),
  );
}
