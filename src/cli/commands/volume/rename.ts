// `volume rename`: gives a volume that no container uses another name.

import { args, command } from "../../command.ts";

export const rename = command({
  usage: "VOLUME NEW_NAME",
  args: args.exactly(2),
  flags: {},
  async run({ engine }, { args: [name = "", to = ""] }) {
    await engine.done("POST", `/hoy/volumes/${encodeURIComponent(name)}/rename`, { query: { name: to } });
  },
});
