// `registry grant`, `registry revoke` and `registry grants`: who may do what where.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { changing } from "./audited.ts";
import { accountOf, printRows, requireRole, rootFlag, withAccounts, wordOf } from "./root.ts";

export const grant = changing({
  usage: "[OPTIONS] ACCOUNT|everybody REPOSITORY ROLE",
  args: args.exactly(3),
  details:
    "ACCOUNT is a user, an organisation (all its members) or a robot. ROLE is read, write or admin. REPOSITORY is a name, NAME/* for all under it, or *. " +
    "Granting everybody read makes repositories public.",
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [account = "", pattern = "", word = ""] }) {
    const role = requireRole(word);
    await withAccounts(flags.root, (accounts) => accounts.grant(accountOf(account), pattern, role));
  },
});

export const revoke = changing({
  usage: "[OPTIONS] ACCOUNT|everybody REPOSITORY",
  args: args.exactly(2),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [account = "", pattern = ""] }) {
    const gone = await withAccounts(flags.root, ({ grants }) => grants.revoke(accountOf(account), pattern));
    if (!gone) throw new ExitError(1, `${account} has no grant for ${pattern}`);
  },
});

export const grantLs = command({
  usage: "[OPTIONS] [ACCOUNT|everybody]",
  args: args.atMost(1),
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [account] }) {
    const found = await withAccounts(flags.root, ({ grants }) =>
      grants.list(account === undefined ? undefined : accountOf(account)),
    );
    const rows = found.map((each) => [wordOf(each.account), each.pattern, each.role]);
    printRows(io.stdout, ["ACCOUNT", "REPOSITORY", "ROLE"], rows);
  },
});
