// `rename`: gives a container another name.

import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const rename = command({
  usage: "CONTAINER NEW_NAME",
  args: args.exactly(2),
  flags: {},
  async run({ engine, io }, { args: [from = "", to = ""] }) {
    const [name, next] = [from.trim(), to.trim()];
    if (name === "" || next === "") throw new ExitError(1, "Error: Neither old nor new names may be empty");
    try {
      await engine.done("POST", `/containers/${encodeURIComponent(name)}/rename`, { query: { name: next } });
    } catch (thrown) {
      io.stderr.line(messageOf(thrown));
      throw new ExitError(1, `Error: failed to rename container named ${name}`, thrown);
    }
  },
});
