// `volume snapshot`: keeps a volume's contents as they are now, in a volume of its own.

import type { Volume } from "../../../api/types/volume.ts";
import { args, command } from "../../command.ts";

export const snapshot = command({
  usage: "VOLUME [SNAPSHOT]",
  details:
    "The snapshot is a volume with the label hoy.snapshot.of=VOLUME: it can be listed, mounted and removed as others can.",
  args: args.between(1, 2),
  flags: {},
  async run({ engine, io }, { args: [name = "", as = ""] }) {
    const path = `/hoy/volumes/${encodeURIComponent(name)}/snapshot`;
    io.stdout.line((await engine.json<Volume>("POST", path, { query: { name: as } })).Name);
  },
});
