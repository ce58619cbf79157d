// `tag`: another name for an image.

import { familiarName, imageIdentifier, parseReference, type Reference } from "../../../image/reference.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const tag = command({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: args.exactly(2),
  interspersed: false,
  flags: {},
  async run({ engine }, { args: [source = "", target = ""] }) {
    if (imageIdentifier(source) === undefined) parse(source);
    const reference = parse(target);
    if (reference.digest !== undefined) throw new ExitError(1, "refusing to create a tag with a digest reference");
    await engine.done("POST", `/images/${encodeURIComponent(source)}/tag`, {
      query: { repo: familiarName(reference), tag: reference.tag ?? "latest" },
    });
  },
});

function parse(name: string): Reference {
  try {
    return parseReference(name);
  } catch (thrown) {
    const why = messageOf(thrown);
    throw new ExitError(
      1,
      `Error parsing reference: ${JSON.stringify(name)} is not a valid repository/tag: ${why}`,
      thrown,
    );
  }
}
