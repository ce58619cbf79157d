// Outputs "image" and "moby": an image in the engine's store, named, and pushed where that is asked for.

import type { Digest } from "../../../base/digest.ts";
import type { ImageConfigFile } from "../../../image/config.ts";
import { hostPlatform } from "../../../image/platform.ts";
import type { StepProgress } from "../control/progress.ts";
import { parseDraftConfig } from "../draft-config.ts";
import type { ImageToWrite } from "../needs.ts";
import { META } from "../result.ts";
import { type ExportInput, type MakeExporter, namesIn, onlyOne, refuseUnserved } from "./exporter.ts";

/** Known; those that are not read here say what is so anyway. */
const SERVED: ReadonlySet<string> = new Set([
  "name",
  "push",
  "source-date-epoch",
  "unpack",
  "store",
  "name-canonical",
  "oci-mediatypes",
  "oci-artifact",
  "compression",
  "danglingName",
  "dangling-name-prefix",
  "attestation-inline",
  // Of this engine alone.
  "squash",
]);

export const imageExporter: MakeExporter = (attrs, _index, needs) => {
  refuseUnserved(attrs, SERVED);
  const names = namesIn(attrs).map(needs.images.fullName);
  const push = attrs.push === "true" || attrs.push === "1";
  return (input) =>
    input.build.events.step("exporting to image", async (progress) => {
      const id = await writeImage(input, attrs, names, progress);
      if (push) {
        const { session, signal } = input.build;
        for (const name of names) {
          const log = (line: string) => progress.log(Buffer.from(`${line}\n`));
          await told(progress, `pushing ${name}`, () => needs.images.push(name, session, log, signal));
        }
      }
      return responseOf(id, names);
    });
};

/** Makes an image of the one result there is. */
export async function writeImage(
  input: ExportInput,
  attrs: Readonly<Record<string, string>>,
  names: readonly string[],
  progress: StepProgress,
): Promise<Digest> {
  const { build, needs } = input;
  const { ref, tree, platform } = onlyOne(input.solved);
  build.signal.throwIfAborted();
  const { session } = build;
  const squash = attrs.squash === "true";
  const { dockerfile } = ref;
  const from: ImageToWrite["from"] =
    dockerfile === undefined ? { config: foreignConfig(input, platform), epoch: epochOf(attrs) } : { dockerfile };
  const id = await told(progress, "exporting layers", () =>
    needs.images.write({
      tree,
      session,
      names,
      inlineCache: input.inlineCache(tree),
      squash,
      signal: build.signal,
      from,
    }),
  );
  await told(progress, `writing image ${id}`, async () => undefined);
  for (const name of names) await told(progress, `naming to ${name}`, async () => undefined);
  return id;
}

export function responseOf(id: Digest, names: readonly string[]): Record<string, string> {
  return {
    "containerimage.digest": id,
    "containerimage.config.digest": id,
    ...(names.length === 0 ? {} : { "image.name": names.join(",") }),
  };
}

/** What a frontend that is not ours says of the image; of one that says nothing, the least that an image needs. */
function foreignConfig({ result }: ExportInput, platform: string): Omit<ImageConfigFile, "rootfs"> {
  const bytes = result.metadata.get(platform === "" ? META.config : `${META.config}/${platform}`);
  if (bytes === undefined) return { os: hostPlatform.os, architecture: hostPlatform.architecture };
  return parseDraftConfig(bytes);
}

function epochOf(attrs: Readonly<Record<string, string>>): number | undefined {
  const text = attrs["source-date-epoch"];
  return text !== undefined && /^[0-9]{1,12}$/.test(text) ? Number(text) : undefined;
}

async function told<T>(progress: StepProgress, name: string, work: () => Promise<T>): Promise<T> {
  progress.status({ name, current: 0, total: 0, done: false });
  const result = await work();
  progress.status({ name, current: 0, total: 0, done: true });
  return result;
}
