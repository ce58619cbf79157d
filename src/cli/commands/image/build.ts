// `build`: known, and not there yet.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const build = command({
  usage: "[OPTIONS] PATH | URL | -",
  args: args.any,
  interspersed: false,
  flags: {},
  async run({ program }) {
    throw new ExitError(1, `${program}: building images is not there yet; use load, import or commit meanwhile`);
  },
});
