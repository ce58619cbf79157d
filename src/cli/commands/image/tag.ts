// `tag`: another name for an image.

import { familiarName, parseReference } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const tag = command({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: args.exactly(2),
  interspersed: false,
  flags: {},
  async run({ engine }, { args: [source = "", target = ""] }) {
    const reference = parseReference(target);
    if (reference.digest !== undefined) throw new ExitError(1, "refusing to create a tag with a digest reference");
    await engine.done("POST", `/images/${encodeURIComponent(source)}/tag`, {
      query: { repo: familiarName(reference), tag: reference.tag ?? "latest" },
    });
  },
});
