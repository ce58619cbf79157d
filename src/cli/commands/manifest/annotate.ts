// `manifest annotate`: says for which platform an image of a local list is.

import { formatPlatform, parsePlatform } from "../../../image/platform.ts";
import { canonicalString, familiarString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { readList, writeMember } from "./local.ts";

export const annotate = command({
  usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
  args: args.exactly(2),
  flags: {
    arch: flag.string("Set architecture"),
    os: flag.string("Set operating system"),
    "os-features": flag.strings("Set operating system feature"),
    "os-version": flag.string("Set operating system version"),
    variant: flag.string("Set architecture variant"),
  },
  async run({ config }, { flags, args: [name = "", image = ""] }) {
    const list = withDefaultTag(parseReference(name));
    const ref = withDefaultTag(parseReference(image));
    const member = readList(config, list).find((one) => canonicalString(one.ref) === canonicalString(ref));
    if (member === undefined) {
      throw new ExitError(1, `manifest for image ${familiarString(ref)} does not exist in ${familiarString(list)}`);
    }
    const before = member.descriptor.platform ?? { os: "", architecture: "" };
    const platform = {
      ...before,
      ...(flags.os === "" ? {} : { os: flags.os }),
      ...(flags.arch === "" ? {} : { architecture: flags.arch }),
      ...(flags.variant === "" ? {} : { variant: flags.variant }),
      ...(flags["os-version"] === "" ? {} : { "os.version": flags["os-version"] }),
      ...(flags["os-features"].length === 0 ? {} : { "os.features": [...flags["os-features"]] }),
    };
    checkKnown(platform.os, platform.architecture);
    writeMember(config, list, { ...member, descriptor: { ...member.descriptor, platform } });
  },
});

/** A pair of words that are no system and processor is refused, as docker does. */
function checkKnown(os: string, architecture: string): void {
  const parsed = parsePlatform(`${os}/${architecture}`);
  if (formatPlatform(parsed) !== "" && os !== "" && architecture !== "") return;
  throw new ExitError(1, `manifest entry for image has unsupported os/arch combination: ${os}/${architecture}`);
}
