// `manifest create`: begins a manifest list from images that are at registries.

import { canonicalString, familiarString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { readList, writeMember } from "./local.ts";
import { fetchMember } from "./remote.ts";

export const create = command({
  usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
  args: args.atLeast(2),
  flags: {
    amend: flag.bool("Amend an existing manifest list", { short: "a" }),
    insecure: flag.bool("Allow communication with an insecure registry"),
  },
  async run({ io, config }, { flags, args: [name = "", ...images] }) {
    const list = withDefaultTag(parseReference(name));
    if (readList(config, list).length > 0 && !flags.amend)
      throw new ExitError(1, "refusing to amend an existing manifest list with no --amend flag");
    const { signal } = new AbortController();
    const refs = images.map((image) => withDefaultTag(parseReference(image)));
    // All are asked for before any is written: a list is not begun with what is not there.
    const members = await Promise.all(refs.map((ref) => fetchMember(config, ref, flags.insecure, signal)));
    for (const member of members) writeMember(config, list, member);
    io.stdout.line(`Created manifest list ${list.digest === undefined ? canonicalString(list) : familiarString(list)}`);
  },
});
