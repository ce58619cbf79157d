// `volume restore`: gives a volume the contents of a snapshot.

import { args, command } from "../../command.ts";

export const restore = command({
  usage: "VOLUME SNAPSHOT",
  details: "No container that uses the volume may run. What was in the volume is gone afterwards.",
  args: args.exactly(2),
  flags: {},
  async run({ engine, io }, { args: [name = "", from = ""] }) {
    await engine.done("POST", `/hoy/volumes/${encodeURIComponent(name)}/restore`, { query: { from } });
    io.stdout.line(name);
  },
});
