// `volume resize`: gives a volume that was made with a size another one.

import { args, command } from "../../command.ts";

export const resize = command({
  usage: "VOLUME SIZE",
  details:
    "A volume of type loop must not be in use by a running container. It gets smaller only as far as its files fit.",
  args: args.exactly(2),
  flags: {},
  async run({ engine, io }, { args: [name = "", size = ""] }) {
    await engine.done("POST", `/hoy/volumes/${encodeURIComponent(name)}/resize`, { query: { size } });
    io.stdout.line(name);
  },
});
