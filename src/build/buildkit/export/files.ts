// Outputs "local" and "tar": the files of the result, in a directory or as an archive at the client. Of several
// platforms each has a directory of its own, named like linux_amd64.

import { HoyError } from "../../../base/error.ts";
import type { OwnedFd } from "../../../linux/open.ts";
import { END_OF_ARCHIVE } from "../../../storage/tar/writer.ts";
import { treeTar } from "../../../storage/tree/tree-tar.ts";
import { openLayers } from "../../ops/tree/read-file.ts";
import { sendDirectory, sendFile } from "../session/send.ts";
import { type MakeExporter, refuseUnserved } from "./exporter.ts";

const SERVED: ReadonlySet<string> = new Set(["dest", "platform-split", "attestation-prefix"]);

export function filesExporter(type: "local" | "tar"): MakeExporter {
  return (attrs, index) => {
    refuseUnserved(attrs, SERVED);
    return async ({ build, solved, needs, sessions }) => {
      const { session, signal, events } = build;
      if (session.id === "") throw new HoyError("invalid", "the build has no session to send files to");
      const what = type === "local" ? "exporting to client directory" : "exporting to client tarball";
      await events.step(what, async (progress) => {
        const client = await sessions.get(session.id, signal);
        await using opened = new AsyncDisposableStack();
        const split = solved.size > 1 && attrs["platform-split"] !== "false";
        const roots = [];
        // In the order of their names, as the receiver wants them; a client's result comes in any.
        for (const [platform, { tree }] of [...solved].sort(([a], [b]) => (a < b ? -1 : 1))) {
          const root = opened.use(await openLayers(needs.solver.needs.layers, tree.diffIds));
          roots.push({ root, prefix: split ? platform.replaceAll("/", "_") : "" });
        }
        const name = type === "local" ? "copying files" : "sending tarball";
        let sent = 0;
        const count = (bytes: number) => {
          sent = bytes;
          progress.status({ name, current: bytes, total: 0, done: false });
        };
        if (type === "local") await sendDirectory(client, index, roots, signal, count);
        else await sendFile(client, index, archive(roots, signal), signal, count);
        progress.status({ name, current: sent, total: 0, done: true });
      });
      return {};
    };
  };
}

/** One archive of all, whose end comes once. */
async function* archive(
  roots: readonly { readonly root: OwnedFd; readonly prefix: string }[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for (const { root, prefix } of roots) yield* withoutEnd(treeTar(root.fd, "/", { as: prefix, signal }));
  yield END_OF_ARCHIVE;
}

async function* withoutEnd(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of tar) {
    const all = Buffer.concat([held, chunk]);
    const cut = Math.max(0, all.length - END_OF_ARCHIVE.length);
    if (cut > 0) yield all.subarray(0, cut);
    held = all.subarray(cut);
  }
}
