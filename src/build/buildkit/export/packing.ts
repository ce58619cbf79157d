// What the outputs that leave the engine share: the configs of a result's images, and the package made of them.

import type { ImageConfigFile } from "../../../image/config.ts";
import { hostPlatform, type Platform, parsePlatform } from "../../../image/platform.ts";
import { booleanOf, type Packing } from "../../content/compression.ts";
import type { LayerSession } from "../../needs.ts";
import type { Tree } from "../../solver-contract.ts";
import type { StepProgress } from "../control/progress.ts";
import { parseDraftConfig } from "../draft-config.ts";
import type { ImageToWrite } from "../needs.ts";
import { type BuildRef, META, platformsIn } from "../result.ts";
import type { ExportInput, SolvedRef } from "./exporter.ts";
import type { Annotation } from "./package/annotations.ts";
import { statementsOf } from "./package/attestations.ts";
import { type ImageToPack, type Packaged, packageImages, platformOfConfig } from "./package/package.ts";

export interface PackedResult {
  readonly packaged: Packaged;
  readonly images: readonly (ImageToPack & { readonly solved: SolvedRef })[];
}

export interface PackRequest {
  readonly attrs: Readonly<Record<string, string>>;
  /** In full. */
  readonly names: readonly string[];
  readonly packing: Packing;
  readonly annotations: readonly Annotation[];
}

export async function packResult(
  input: ExportInput,
  { attrs, names, packing, annotations }: PackRequest,
  layers: LayerSession,
  progress: StepProgress,
): Promise<PackedResult> {
  const { build, needs, attestations } = input;
  const now = needs.now();
  const images = await Promise.all(
    inOrder(input).map(async ([name, one]) => {
      const { config, tree } = await finish(input, name, one, attrs, layers);
      const platform = platformOf(name, config);
      const about = { names, platform, layers: needs.solver.needs.layers, now };
      const statements = () => statementsOf(attestations, one, build, about);
      return { tree, config, platform, statements, solved: one };
    }),
  );
  const options = { packing, annotations, index: false };
  const packaged = await told(progress, "exporting layers", () => packageImages(images, options, layers, build.signal));
  for (const { descriptor } of packaged.manifests) done(progress, `exporting manifest ${descriptor.digest}`);
  done(
    progress,
    `exporting ${packaged.manifests.length === 0 ? "manifest" : "manifest list"} ${packaged.root.descriptor.digest}`,
  );
  return { packaged, images };
}

/** As the frontend lists its platforms; what travels as a map comes in any order. */
function inOrder({ result, solved }: ExportInput): (readonly [string, SolvedRef])[] {
  const listed = platformsIn(result.metadata.get(META.platforms));
  const place = (name: string) => {
    const at = listed.indexOf(name);
    return at < 0 ? listed.length : at;
  };
  return [...solved].sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** The config of one of the result's images, whole, and its tree. */
export async function finish(
  input: ExportInput,
  platform: string,
  { ref, tree }: SolvedRef,
  attrs: Readonly<Record<string, string>>,
  layers: LayerSession,
): Promise<{ readonly config: Uint8Array; readonly tree: Tree }> {
  const { session, signal } = input.build;
  const { dockerfile } = ref;
  const from: ImageToWrite["from"] =
    dockerfile === undefined
      ? { config: foreignConfig(input, platform), epoch: epochOf(attrs), made: await madeAt(input, ref) }
      : { dockerfile };
  const squash = booleanOf(attrs, "squash") ?? false;
  return input.needs.images.finish({
    tree,
    session,
    inlineCache: input.inlineCache(tree),
    squash,
    layers,
    signal,
    from,
  });
}

/** What a frontend that is not ours says of the image; of one that says nothing, the least that an image needs. */
function foreignConfig({ result }: ExportInput, platform: string): Omit<ImageConfigFile, "rootfs"> {
  const bytes = result.metadata.get(platform === "" ? META.config : `${META.config}/${platform}`);
  if (bytes === undefined) return { os: hostPlatform.os, architecture: hostPlatform.architecture };
  return parseDraftConfig(bytes);
}

/** Results go under their platforms' names, but for the one that is of none in particular. */
function platformOf(name: string, config: Uint8Array): Platform {
  if (/^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9.]+)?$/.test(name)) return parsePlatform(name);
  return platformOfConfig(JSON.parse(Buffer.from(config).toString()) as Partial<Platform>);
}

/** Of a result that comes from the cache it is when that was made: the same image again. */
async function madeAt({ build, needs }: ExportInput, { input }: BuildRef): Promise<string | undefined> {
  return input === undefined ? undefined : needs.solver.createdAt(input, build.session);
}

function epochOf(attrs: Readonly<Record<string, string>>): number | undefined {
  const text = attrs["source-date-epoch"];
  return text !== undefined && /^[0-9]{1,12}$/.test(text) ? Number(text) : undefined;
}

export async function told<T>(progress: StepProgress, name: string, work: () => Promise<T>): Promise<T> {
  progress.status({ name, current: 0, total: 0, done: false });
  const result = await work();
  done(progress, name);
  return result;
}

export function done(progress: StepProgress, name: string): void {
  progress.status({ name, current: 0, total: 0, done: true });
}
