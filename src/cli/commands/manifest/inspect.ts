// `manifest inspect`: a manifest or list as its registry has it, or a local list and its members.

import { canonicalString, familiarString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { listDocument } from "./list.ts";
import { type Member, readList } from "./local.ts";
import { fetchManifest, fetchMember } from "./remote.ts";

export const inspect = command({
  usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
  args: args.between(1, 2),
  flags: {
    insecure: flag.bool("Allow communication with an insecure registry"),
    verbose: flag.bool("Output additional info including layers and platform", { short: "v" }),
  },
  async run(context, { flags, args: [first = "", second] }) {
    const ref = withDefaultTag(parseReference(second ?? first));
    if (second !== undefined) {
      const list = withDefaultTag(parseReference(first));
      const member = readList(context.config, list).find((one) => canonicalString(one.ref) === canonicalString(ref));
      if (member === undefined)
        throw new ExitError(1, `No such manifest: ${familiarString(ref)} in ${familiarString(list)}`);
      return print(context, flags.verbose ? told(member) : member.bytes);
    }
    const members = readList(context.config, ref);
    if (members.length > 0)
      return print(context, flags.verbose ? members.map(told) : listDocument(members).bytes, true);
    const { signal } = new AbortController();
    const { document, bytes } = await fetchManifest(context.config, ref, flags.insecure, signal);
    if (!flags.verbose) return print(context, bytes, document.kind === "index");
    if (document.kind === "manifest")
      return print(context, told(await fetchMember(context.config, ref, flags.insecure, signal)));
    const all = document.manifests.map(async (descriptor) => {
      const one = { ...ref, tag: undefined, digest: descriptor.digest };
      const member = await fetchManifest(context.config, one, flags.insecure, signal);
      return told({ ref: one, descriptor, bytes: member.bytes });
    });
    print(context, await Promise.all(all));
  },
});

/** Bytes of lists are shown as they are, those of manifests and all else indented by tabs. */
function print({ io }: Context, what: unknown, asIs = false): void {
  const text = what instanceof Uint8Array ? Buffer.from(what).toString("utf8") : undefined;
  if (text !== undefined && asIs && text.includes("\n")) io.stdout.line(text);
  else io.stdout.line(JSON.stringify(text === undefined ? what : JSON.parse(text), undefined, asIs ? 3 : "\t"));
}

function told({ ref, descriptor, bytes }: Member) {
  const form = descriptor.mediaType.includes(".oci.") ? "OCIManifest" : "SchemaV2Manifest";
  return {
    Ref: canonicalString(ref),
    Descriptor: descriptor,
    Raw: Buffer.from(bytes).toString("base64"),
    [form]: JSON.parse(Buffer.from(bytes).toString("utf8")),
  };
}
