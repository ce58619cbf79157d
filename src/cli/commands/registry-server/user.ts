// `registry user …`: works on the registry's database, whether it runs or not.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { readLine } from "../../stream/prompt.ts";
import { changing } from "./audited.ts";
import { rootFlag, withAccounts } from "./root.ts";

export const userAdd = changing({
  usage: "[OPTIONS] NAME",
  args: args.exactly(1),
  details: "Asks for the password. A user may do everything in repositories under NAME/.",
  flags: {
    admin: flag.bool("May do everything in every repository"),
    "password-stdin": flag.bool("Take the password from stdin"),
    root: rootFlag(),
  },
  async run({ io }, { flags, args: [name = ""] }) {
    if (!flags["password-stdin"] && !io.stdin.isTTY)
      throw new ExitError(1, "stdin is no terminal: say --password-stdin");
    const password = flags["password-stdin"]
      ? (await textOf(io.stdin.read())).replace(/\r?\n$/, "")
      : await readLine(io, "Password: ", { hidden: true });
    await withAccounts(flags.root, ({ users }) => users.put(name, password, flags.admin));
    io.stdout.line(name);
  },
});

export const userImport = changing({
  usage: "[OPTIONS] < FILE",
  args: args.none,
  details: "Reads lines of `htpasswd -B` from stdin: all are taken, or none.",
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const text = await textOf(io.stdin.read());
    const count = await withAccounts(flags.root, ({ users }) => users.importHtpasswd(text));
    io.stdout.line(`${count} users`);
  },
});

export const userLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const users = await withAccounts(flags.root, ({ users: all }) => all.list());
    for (const { name, admin } of users) io.stdout.line(admin ? `${name} (admin)` : name);
  },
});

export const userRm = changing({
  usage: "[OPTIONS] NAME [NAME...]",
  args: args.atLeast(1),
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: names }) {
    await withAccounts(flags.root, (accounts) => {
      for (const name of names) {
        if (!accounts.removeUser(name)) throw new ExitError(1, `there is no user ${name}`);
        io.stdout.line(name);
      }
    });
  },
});
