// `registry grant` and `registry revoke`: who may do what where.

import { ROLES } from "../../../registry/server/access/users.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { rootFlag, withUsers } from "./root.ts";

const EVERYBODY = "everybody";

export const grant = command({
  usage: "[OPTIONS] USER|everybody REPOSITORY read|write|admin",
  args: args.exactly(3),
  details: "REPOSITORY is a name, NAME/* for all under it, or *. Granting everybody read makes repositories public.",
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [user = "", pattern = "", word = ""] }) {
    const role = ROLES.find((each) => each === word);
    if (role === undefined) throw new ExitError(1, `invalid role ${JSON.stringify(word)}: read, write or admin`);
    await withUsers(flags.root, (users) => users.grant(user === EVERYBODY ? "" : user, pattern, role));
  },
});

export const revoke = command({
  usage: "[OPTIONS] USER|everybody REPOSITORY",
  args: args.exactly(2),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [user = "", pattern = ""] }) {
    const gone = await withUsers(flags.root, (users) => users.revoke(user === EVERYBODY ? "" : user, pattern));
    if (!gone) throw new ExitError(1, `${user} has no grant for ${pattern}`);
  },
});
