// Outputs "docker" and "oci": the image as an archive at the client. "docker" is one image, as `docker save` writes it;
// "oci" is a layout with all that a registry would get: several platforms, attestations, annotations. With tar=false it goes
// into a directory of the client, blob by blob.

import { HoyError } from "../../../base/error.ts";
import { booleanOf, packingOf } from "../../content/compression.ts";
import type { StepProgress } from "../control/progress.ts";
import { ContentPlace } from "../session/content-place.ts";
import { sendFile } from "../session/send.ts";
import {
  type ExporterResponse,
  type ExportInput,
  type MakeExporter,
  namesIn,
  onlyOne,
  refuseUnserved,
} from "./exporter.ts";
import { responseOf, responseOfId } from "./image.ts";
import { annotationsIn } from "./package/annotations.ts";
import { mustAttest } from "./package/attestations.ts";
import { layoutTar } from "./package/layout.ts";
import { sendPackage } from "./package/package.ts";
import { finish, type PackRequest, packResult } from "./packing.ts";

const SERVED: ReadonlySet<string> = new Set([
  "name",
  "dest",
  "tar",
  "source-date-epoch",
  "rewrite-timestamp",
  "oci-mediatypes",
  "oci-artifact",
  "compression",
  "compression-level",
  "force-compression",
  "attestation-inline",
  "squash",
]);
/** The client's store for an output that is a directory. */
const STORE = "export";

export function archiveExporter(type: "docker" | "oci"): MakeExporter {
  return (attrs, index, needs) => {
    refuseUnserved(attrs, SERVED);
    const names = namesIn(attrs).map(needs.images.fullName);
    const request = { attrs, names, packing: packingOf(attrs), annotations: annotationsIn(attrs) };
    const asDirectory = booleanOf(attrs, "tar") === false;
    if (type === "docker" && (asDirectory || request.annotations.length > 0)) {
      throw new HoyError("invalid", "an archive of Docker's has no directory form and no annotations", {
        hint: "type=oci has both",
      });
    }
    return async (input) => {
      const { build } = input;
      if (build.session.id === "") throw new HoyError("invalid", "the build has no session to send the image to");
      const what = type === "oci" ? "exporting to oci image format" : "exporting to docker image format";
      return build.events.step(what, (progress) =>
        type === "docker"
          ? dockerArchive(input, request, index, progress)
          : layout(input, request, asDirectory ? "directory" : index, progress),
      );
    };
  };
}

async function dockerArchive(
  input: ExportInput,
  { attrs, names }: PackRequest,
  index: number,
  progress: StepProgress,
): Promise<ExporterResponse> {
  const { build, needs, solved, attestations } = input;
  const one = onlyOne(solved, "docker exporter does not currently support exporting manifest lists");
  if (mustAttest(attestations)) {
    throw new HoyError("invalid", "docker exporter does not currently support exporting manifest lists", {
      hint: "attestations go along with type=oci and --push",
    });
  }
  await using layers = needs.solver.needs.layers.session();
  const finished = await finish(input, one.platform, one, attrs, layers);
  const id = await needs.images.store({ ...finished, names: [], packaged: undefined });
  await send(input, index, needs.images.archive(id, names, build.signal), progress);
  return responseOfId(id, names);
}

async function layout(
  input: ExportInput,
  request: PackRequest,
  where: number | "directory",
  progress: StepProgress,
): Promise<ExporterResponse> {
  const { build, needs, sessions } = input;
  const { names, annotations } = request;
  await using layers = needs.solver.needs.layers.session();
  const { packaged } = await packResult(input, request, layers, progress);
  if (where === "directory") {
    const client = await sessions.get(build.session.id, build.signal);
    await sendPackage(packaged, new ContentPlace(client, STORE, undefined), build.signal);
  } else {
    await send(input, where, layoutTar(packaged, names, annotations, build.signal), progress);
  }
  return responseOf(packaged, undefined, names);
}

async function send(
  { build, sessions }: ExportInput,
  index: number,
  bytes: AsyncIterable<Uint8Array>,
  progress: StepProgress,
): Promise<void> {
  const client = await sessions.get(build.session.id, build.signal);
  const name = "sending tarball";
  let sent = 0;
  await sendFile(client, index, bytes, build.signal, (count) => {
    sent = count;
    progress.status({ name, current: count, total: 0, done: false });
  });
  progress.status({ name, current: sent, total: 0, done: true });
}
