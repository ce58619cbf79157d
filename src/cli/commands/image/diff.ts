// `image diff`: the files in which one image differs from another, as `container diff` shows them.

import type { ImageChange } from "../../../api/backend.ts";
import { truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";

const LETTERS = ["C", "A", "D"] as const;

export const diff = command({
  usage: "[OPTIONS] IMAGE IMAGE",
  args: args.exactly(2),
  details: "A: only in the second image, D: only in the first, C: changed.",
  flags: {
    layers: flag.bool("Show the layer that each file is in"),
    "no-trunc": flag.bool("Don't truncate output"),
  },
  async run({ engine, io }, { flags, args: [from = "", to = ""] }) {
    const changes = await engine.json<ImageChange[]>("GET", "/hoy/images/diff", { query: { from, to } });
    for (const { Kind, Path, Layer } of changes) {
      const layer = flags["no-trunc"] ? Layer : truncateId(Layer);
      io.stdout.line(`${LETTERS[Kind]} ${flags.layers ? `${layer} ` : ""}${printable(Path)}`);
    }
  },
});

/** Names come from whoever made the image: what would steer the terminal is shown, not sent. */
function printable(path: string): string {
  return path.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
