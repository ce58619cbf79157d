// `manifest push`: a local list to its repository. Its members' blobs are mounted from the repositories of the same
// registry that they are in, so nothing is downloaded; the list goes last.

import { sha256 } from "../../../base/digest.ts";
import { parseManifest } from "../../../image/manifest.ts";
import {
  canonicalString,
  familiarString,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../../../image/reference.ts";
import type { Repository } from "../../../registry/client/repository.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { listDocument } from "./list.ts";
import { type Member, readList, removeList } from "./local.ts";
import { openRepository } from "./remote.ts";

export const push = command({
  usage: "[OPTIONS] MANIFEST_LIST",
  args: args.exactly(1),
  flags: {
    insecure: flag.bool("Allow push to an insecure registry"),
    purge: flag.bool("Remove the local manifest list after push", { short: "p" }),
  },
  async run({ io, config }, { flags, args: [name = ""] }) {
    const list = withDefaultTag(parseReference(name));
    const members = readList(config, list);
    if (members.length === 0) throw new ExitError(1, `${familiarString(list)} not found`);
    const repository = await openRepository(config, list, flags.insecure);
    const { signal } = new AbortController();
    for (const member of members) {
      checkMember(list, member);
      await bring(repository, list, member, signal);
      io.stdout.line(`Pushed ref ${canonicalString(member.ref)} with digest: ${member.descriptor.digest}`);
    }
    const { mediaType, bytes } = listDocument(members);
    await repository.putManifest(list.tag ?? sha256(bytes), mediaType, bytes, signal);
    io.stdout.line(sha256(bytes));
    if (flags.purge) removeList(config, list);
  },
});

function checkMember(list: Reference, { ref, descriptor: { platform } }: Member): void {
  if (ref.domain !== list.domain) {
    throw new ExitError(
      1,
      `cannot use source images from a different registry than the target image: ${ref.domain} != ${list.domain}`,
    );
  }
  if (!platform?.os || !platform.architecture)
    throw new ExitError(
      1,
      `manifest ${canonicalString(ref)} must have an OS and Architecture to be pushed to a registry`,
    );
}

/** The member's blobs and manifest into the list's repository. */
async function bring(to: Repository, list: Reference, { ref, descriptor, bytes }: Member, signal: AbortSignal) {
  const document = parseManifest(bytes);
  if (document.kind === "manifest" && ref.path !== list.path) {
    for (const { digest } of [document.config, ...document.layers]) {
      if (await to.blobExists(digest, signal)) continue;
      const upload = await to.startUpload({ digest, from: ref.path }, signal);
      if (upload !== undefined)
        throw new ExitError(
          1,
          `the registry did not mount ${digest} of ${familiarString(ref)}: push that image to the list's repository first`,
        );
    }
  }
  await to.putManifest(descriptor.digest, descriptor.mediaType, bytes, signal);
}
