// `registry token create`: a Bearer token for scripts; what it allows is decided now, and it can't be given more later.

import { accessToken } from "../../../registry/server/access/token.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { rootFlag, withUsers } from "./root.ts";

const NS_PER_S = 1_000_000_000;

export const tokenCreate = command({
  usage: "[OPTIONS] USER SCOPE [SCOPE...]",
  args: args.atLeast(2),
  details: "SCOPE is repository:NAME:pull,push as in the token spec. It ends with its time, or when USER is removed.",
  flags: {
    expires: flag.duration("How long it is good for", { initial: 3600 * NS_PER_S, shown: "1h" }),
    root: rootFlag(),
  },
  async run({ io }, { flags, args: [name = "", ...scopes] }) {
    const seconds = Math.floor(flags.expires / NS_PER_S);
    if (seconds <= 0) throw new ExitError(1, "--expires must be a second at least");
    const token = await withUsers(flags.root, (users) => {
      const user = users.user(name);
      if (user === undefined) throw new ExitError(1, `there is no user ${name}`);
      return accessToken(users, user, scopes, seconds);
    });
    io.stdout.line(token);
  },
});
