// Outputs "image", "moby" and "registry": an image in the engine's store, named, and pushed where that is asked for. One
// that is pushed goes as a package: what the registry has is byte for byte what the store knows it by.

import { type Digest, isDigest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { parseReference, repositoryName } from "../../../image/reference.ts";
import { booleanOf, packingOf } from "../../content/compression.ts";
import { RegistryPlace } from "../../content/registry-place.ts";
import type { LayerSession } from "../../needs.ts";
import type { StepProgress } from "../control/progress.ts";
import type { BuildkitNeeds } from "../needs.ts";
import {
  type ExporterResponse,
  type ExportInput,
  type MakeExporter,
  namesIn,
  onlyOne,
  refuseUnserved,
} from "./exporter.ts";
import { keepPackage } from "./keep.ts";
import { annotationsIn } from "./package/annotations.ts";
import { mustAttest } from "./package/attestations.ts";
import { type Packaged, sendPackage } from "./package/package.ts";
import { done, finish, type PackedResult, type PackRequest, packResult, told } from "./packing.ts";

/** Known; those that are not read here say what is so anyway: times of layers are clamped where they are made. */
const SERVED: ReadonlySet<string> = new Set([
  "name",
  "push",
  "push-by-digest",
  "registry.insecure",
  "source-date-epoch",
  "rewrite-timestamp",
  "unpack",
  "store",
  "name-canonical",
  "oci-mediatypes",
  "oci-artifact",
  "compression",
  "compression-level",
  "force-compression",
  "danglingName",
  "dangling-name-prefix",
  "attestation-inline",
  // Of this engine alone.
  "squash",
]);

export function imageExporter(type: "image" | "moby" | "registry"): MakeExporter {
  return (attrs, _index, needs) => {
    refuseUnserved(attrs, SERVED);
    const names = namesIn(attrs).map(needs.images.fullName);
    if (isByDigest(attrs)) refuseTags(namesIn(attrs));
    const push = booleanOf(attrs, "push") ?? type === "registry";
    if (push && names.length === 0) throw new HoyError("invalid", "tag is needed when pushing to registry");
    const request = { attrs, names, packing: packingOf(attrs), annotations: annotationsIn(attrs) };
    return (input) => {
      const work = (progress: StepProgress) =>
        push ? pushed(input, request, progress) : stored(input, request, progress);
      return input.build.events.step("exporting to image", work);
    };
  };
}

/** Pushed without a tag: for an index that is put together of several builds. */
function isByDigest(attrs: PackRequest["attrs"]): boolean {
  return booleanOf(attrs, "push-by-digest") === true;
}

function refuseTags(names: readonly string[]): void {
  const tagged = names.find((name) => parseReference(name).tag !== undefined);
  if (tagged !== undefined) throw new HoyError("invalid", `can't push tagged ref ${tagged} by digest`);
}

/** Into the store alone: as a package only where it is more than one image, which has to be kept as it is. */
async function stored(input: ExportInput, request: PackRequest, progress: StepProgress): Promise<ExporterResponse> {
  const { build, needs } = input;
  const { attrs, names, annotations } = request;
  build.signal.throwIfAborted();
  await using layers = needs.solver.needs.layers.session();
  const attested = mustAttest(input.attestations);
  if (annotations.length > 0 || attested || input.solved.size > 1) {
    const asked = attested ? input : { ...input, attestations: { provenance: undefined, sbom: false } };
    const result = await packResult(asked, request, layers, progress);
    // Waited for: the session holds what is written until rows do.
    return await keep(result, needs, layers, names, progress);
  }
  const one = onlyOne(input.solved, "an image is of one platform");
  const finished = await finish(input, one.platform, one, attrs, layers);
  const image = { ...finished, names, packaged: undefined };
  const id = await told(progress, "exporting layers", () => needs.images.store(image));
  shown(progress, id, names);
  return responseOfId(id, names);
}

async function pushed(input: ExportInput, request: PackRequest, progress: StepProgress): Promise<ExporterResponse> {
  const { build, needs } = input;
  const { attrs } = request;
  build.signal.throwIfAborted();
  await using layers = needs.solver.needs.layers.session();
  const result = await packResult(input, request, layers, progress);
  const { digest } = result.packaged.root.descriptor;
  const names = isByDigest(attrs)
    ? request.names.map((name) => `${repositoryName(parseReference(name))}@${digest}`)
    : request.names;
  const kept = await keep(result, needs, layers, names, progress);
  for (const name of names) {
    const ref = parseReference(name);
    const place = new RegistryPlace({
      ref,
      auth: await build.session.registryAuth(ref.domain),
      settings: needs.solver.needs.registry(),
      insecure: booleanOf(attrs, "registry.insecure") ?? false,
    });
    const shownName = isByDigest(attrs) ? name : `${name}@${digest}`;
    await told(progress, `pushing layers and manifest for ${shownName}`, () =>
      sendPackage(result.packaged, place, build.signal),
    );
    const id = kept["containerimage.config.digest"];
    if (id !== undefined && isDigest(id)) await needs.images.pushed(name, id, digest);
  }
  return kept;
}

async function keep(
  result: PackedResult,
  needs: BuildkitNeeds,
  layers: LayerSession,
  names: readonly string[],
  progress: StepProgress,
): Promise<ExporterResponse> {
  const id = await keepPackage(result, needs, layers, names);
  shown(progress, id, names);
  return responseOf(result.packaged, id, names);
}

function shown(progress: StepProgress, id: Digest, names: readonly string[]): void {
  done(progress, `writing image ${id}`);
  for (const name of names) done(progress, `naming to ${name}`);
}

/** @param id of the image here; undefined: none of it is of this machine's platform. */
export function responseOf(
  { root }: Packaged,
  id: Digest | undefined,
  names: readonly string[],
): Record<string, string> {
  const { descriptor } = root;
  return {
    "containerimage.digest": descriptor.digest,
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptor)).toString("base64"),
    ...(id === undefined ? {} : { "containerimage.config.digest": id }),
    ...(names.length === 0 ? {} : { "image.name": names.join(",") }),
  };
}

/** Of an image that has no manifest yet: it goes by its id. */
export function responseOfId(id: Digest, names: readonly string[]): Record<string, string> {
  return {
    "containerimage.digest": id,
    "containerimage.config.digest": id,
    ...(names.length === 0 ? {} : { "image.name": names.join(",") }),
  };
}
