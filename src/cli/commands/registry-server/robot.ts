// `registry robot …`: accounts for machines. A robot signs in with a token; `create` prints its first.

import type { Role } from "../../../registry/server/access/grants.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { changing } from "./audited.ts";
import { printRows, rootFlag, withAccounts } from "./root.ts";
import { expiry } from "./token.ts";

export const robotCreate = changing({
  usage: "[OPTIONS] OWNER+NAME",
  args: args.exactly(1),
  details:
    "OWNER is a user or an organisation; the robot can be let into repositories under OWNER/ only. " +
    "Prints its token: the password to sign in with, shown this once.",
  flags: {
    admin: flag.list("Repositories it may delete from, too (NAME or NAME/*)"),
    expires: flag.duration("How long its token is good for", { shown: "until taken back" }),
    read: flag.list("Repositories it may pull from"),
    root: rootFlag(),
    write: flag.list("Repositories it may pull from and push to"),
  },
  async run({ io }, { flags, args: [name = ""] }) {
    const wanted = (["read", "write", "admin"] as const).flatMap((role) => flags[role].map((each) => ({ each, role })));
    const token = await withAccounts(flags.root, (accounts) =>
      accounts.createRobot(
        name,
        wanted.map(({ each, role }): { pattern: string; role: Role } => ({ pattern: each, role })),
        expiry(flags.expires),
      ),
    );
    io.stdout.line(token);
  },
});

export const robotLs = command({
  usage: "[OPTIONS] [OWNER]",
  args: args.atMost(1),
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [owner] }) {
    const rows = await withAccounts(flags.root, ({ robots, grants, tokens }) =>
      robots.list(owner).map(({ name }) => [
        name,
        String(tokens.list(name).length),
        grants
          .list(name)
          .map(({ pattern, role }) => `${pattern}=${role}`)
          .join(","),
      ]),
    );
    printRows(io.stdout, ["NAME", "TOKENS", "REPOSITORIES"], rows);
  },
});

export const robotRm = changing({
  usage: "[OPTIONS] OWNER+NAME [OWNER+NAME...]",
  args: args.atLeast(1),
  details: "Its tokens end at once.",
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: names }) {
    await withAccounts(flags.root, (accounts) => {
      for (const name of names) {
        if (!accounts.removeRobot(name)) throw new ExitError(1, `there is no robot ${name}`);
        io.stdout.line(name);
      }
    });
  },
});
