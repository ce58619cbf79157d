// `registry org …`: organisations and their members, in the registry's database, whether it runs or not.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { changing } from "./audited.ts";
import { printRows, requireRole, rootFlag, withAccounts } from "./root.ts";

export const orgCreate = changing({
  usage: "[OPTIONS] NAME",
  args: args.exactly(1),
  details: "Its members have their role in all repositories under NAME/.",
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [name = ""] }) {
    await withAccounts(flags.root, ({ organisations }) => organisations.create(name));
    io.stdout.line(name);
  },
});

export const orgLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const rows = await withAccounts(flags.root, ({ organisations }) =>
      organisations.list().map((name) => [name, String(organisations.members(name).length)]),
    );
    printRows(io.stdout, ["NAME", "MEMBERS"], rows);
  },
});

export const orgRm = changing({
  usage: "[OPTIONS] NAME [NAME...]",
  args: args.atLeast(1),
  details: "Its robots and grants go with it; its repositories stay, for the admins of the registry.",
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: names }) {
    await withAccounts(flags.root, (accounts) => {
      for (const name of names) {
        if (!accounts.removeOrganisation(name)) throw new ExitError(1, `there is no organisation ${name}`);
        io.stdout.line(name);
      }
    });
  },
});

export const orgMembers = command({
  usage: "[OPTIONS] NAME",
  args: args.exactly(1),
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [name = ""] }) {
    const members = await withAccounts(flags.root, ({ organisations }) => {
      if (!organisations.exists(name)) throw new ExitError(1, `there is no organisation ${name}`);
      return organisations.members(name);
    });
    const rows = members.map(({ user, role }) => [user, role]);
    printRows(io.stdout, ["USER", "ROLE"], rows);
  },
});

export const orgJoin = changing({
  usage: "[OPTIONS] NAME USER read|write|admin",
  args: args.exactly(3),
  details: "Adds USER to the organisation, or changes the role.",
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [name = "", user = "", word = ""] }) {
    const role = requireRole(word);
    await withAccounts(flags.root, ({ organisations }) => organisations.setMember(name, user, role));
  },
});

export const orgLeave = changing({
  usage: "[OPTIONS] NAME USER",
  args: args.exactly(2),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [name = "", user = ""] }) {
    const gone = await withAccounts(flags.root, ({ organisations }) => organisations.removeMember(name, user));
    if (!gone) throw new ExitError(1, `${user} is no member of ${name}`);
  },
});
