// `image copy`: an image from one place to another, without an engine in between. Digests stay the same.

import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { annotationKeys } from "../../../image/descriptor.ts";
import { parsePlatform } from "../../../image/platform.ts";
import { canonicalString, familiarString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { packArchive, unpackArchive, writeArchive } from "../../../registry/copy/archive.ts";
import { layoutSink, layoutSource } from "../../../registry/copy/layout.ts";
import { type CopySink, type CopySource, copyImage } from "../../../registry/copy/place.ts";
import { registrySink, registrySource } from "../../../registry/copy/registry.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { drainProgress } from "../../progress/display.ts";
import { connectTo } from "../../session.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { openRepository } from "../manifest/remote.ts";
import { PLACES, type Place, parsePlace } from "./places.ts";

export const copy = command({
  usage: "[OPTIONS] SRC DST",
  args: args.exactly(2),
  details: `All of an image for several platforms is copied, as it is; to docker-archive and engines, which take one image, that for this machine. ${PLACES}`,
  flags: {
    all: flag.bool("Copy the images of all platforms and their index, or nothing", { short: "a" }),
    insecure: flag.bool("Allow registries without TLS or with certificates that can't be checked"),
    platform: flag.string('Copy the image for this platform alone ("linux/arm64")'),
    quiet: flag.bool("Print the digest only", { short: "q" }),
  },
  async run(context, { flags, args: [from = "", to = ""] }) {
    if (flags.all && flags.platform !== "") throw new ExitError(1, "--all and --platform exclude each other");
    const [source, target] = [parsePlace(from), parsePlace(to)];
    const controller = new AbortController();
    const { signal } = controller;
    const stop = () => controller.abort(new ExitError(130, "copying was interrupted"));
    using stops = new DisposableStack();
    for (const name of ["SIGINT", "SIGTERM"] as const) stops.defer(context.io.onSignal(name, stop));
    const scratch = await mkdtemp(join(tmpdir(), "hoy-copy-"));
    try {
      await using reading = await openSource(context, source, scratch, flags.insecure);
      await using writing = await openSink(context, source, target, scratch, flags.insecure);
      const digest = await copyImage(reading, writing, {
        all: flags.all,
        platform: flags.platform === "" ? undefined : parsePlatform(flags.platform),
        signal,
        say: (text) => {
          if (!flags.quiet) context.io.stderr.line(text);
        },
      });
      context.io.stdout.line(digest);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
});

async function openSource(context: Context, place: Place, scratch: string, insecure: boolean): Promise<CopySource> {
  const { io, config } = context;
  const unpacked = join(scratch, "from");
  switch (place.kind) {
    case "registry": {
      const ref = withDefaultTag(parseReference(place.name));
      return registrySource(await openRepository(config, ref, insecure), ref.digest ?? ref.tag ?? "", scratch);
    }
    case "oci":
      return layoutSource(resolve(io.cwd, place.path), place.name);
    case "engine": {
      const engine = connectTo(context, place.host);
      const { body } = await engine.send("GET", "/images/get", { query: { names: [dockerName(place.name)] } });
      await unpackArchive(body, unpacked);
      return layoutSource(unpacked, undefined);
    }
    default:
      await unpackArchive(createReadStream(resolve(io.cwd, place.path), { highWaterMark: 1024 * 1024 }), unpacked);
      return layoutSource(unpacked, place.name);
  }
}

async function openSink(
  context: Context,
  source: Place,
  place: Place,
  scratch: string,
  insecure: boolean,
): Promise<CopySink> {
  const { io, config } = context;
  const packed = join(scratch, "to");
  if (place.kind === "registry") {
    const ref = withDefaultTag(parseReference(place.name));
    if (ref.digest !== undefined) throw new ExitError(1, "the destination can't be a digest");
    const origin = source.kind === "registry" ? parseReference(source.name) : undefined;
    const mountFrom = origin?.domain === ref.domain && origin.path !== ref.path ? [origin.path] : [];
    return registrySink(await openRepository(config, ref, insecure), ref.tag, mountFrom);
  }
  if (place.kind === "oci") return layoutSink(resolve(io.cwd, place.path), named(place.name ?? "latest"));
  const name = place.kind === "oci-archive" ? place.name : dockerName(place.name);
  const sink = await layoutSink(packed, name === undefined ? {} : named(name));
  return {
    ...sink,
    takesIndex: place.kind === "oci-archive",
    async finish(signal) {
      await sink.finish(signal);
      const tar = packArchive(packed, place.kind === "oci-archive" ? undefined : name);
      if (place.kind !== "engine") return writeArchive(resolve(io.cwd, place.path), tar);
      const upload = { type: "application/x-tar", body: tar };
      const { body } = await connectTo(context, place.host).send("POST", "/images/load", {
        query: { quiet: "1" },
        upload,
      });
      await drainProgress(jsonLines(body));
    },
  };
}

/** A tag alone, or a whole name, as readers of layouts look for it. */
function named(name: string): Record<string, string> {
  if (!/[:/]/.test(name)) return { [annotationKeys.refName]: name };
  const ref = withDefaultTag(parseReference(name));
  return { [annotationKeys.imageName]: canonicalString(ref), [annotationKeys.refName]: ref.tag ?? name };
}

function dockerName(name: string | undefined): string {
  if (name === undefined) throw new ExitError(1, "an archive of docker needs a name: docker-archive:FILE:NAME");
  return familiarString(withDefaultTag(parseReference(name)));
}
