// Outputs "docker" and "oci": the image as an archive at the client. The archive is both at once: Docker's own and an
// OCI layout over the same blobs.

import { HoyError } from "../../../base/error.ts";
import { missing } from "../llb/values.ts";
import { sendFile } from "../session/send.ts";
import { type MakeExporter, namesIn, refuseUnserved } from "./exporter.ts";
import { responseOf, writeImage } from "./image.ts";

const SERVED: ReadonlySet<string> = new Set([
  "name",
  "dest",
  "tar",
  "source-date-epoch",
  "oci-mediatypes",
  "oci-artifact",
  "compression",
  "attestation-inline",
  "squash",
]);

export function archiveExporter(type: "docker" | "oci"): MakeExporter {
  return (attrs, index, needs) => {
    if (attrs.tar === "false") throw missing("an image as a directory");
    refuseUnserved(attrs, SERVED);
    const names = namesIn(attrs).map(needs.images.fullName);
    return async (input) => {
      const { build, sessions } = input;
      const { session, signal, events } = build;
      if (session.id === "") throw new HoyError("invalid", "the build has no session to send the image to");
      const what = type === "oci" ? "exporting to oci image format" : "exporting to docker image format";
      return events.step(what, async (progress) => {
        const id = await writeImage(input, attrs, [], progress);
        const client = await sessions.get(session.id, signal);
        const name = "sending tarball";
        let sent = 0;
        await sendFile(client, index, needs.images.archive(id, names, signal), signal, (bytes) => {
          sent = bytes;
          progress.status({ name, current: bytes, total: 0, done: false });
        });
        progress.status({ name, current: sent, total: 0, done: true });
        return responseOf(id, names);
      });
    };
  };
}
