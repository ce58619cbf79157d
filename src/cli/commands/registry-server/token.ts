// `registry token …`: passwords that the registry makes, for people's scripts and for robots. Shown once, kept as a hash.

import { parseScopes } from "../../../registry/server/access/tokens.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { changing } from "./audited.ts";
import { dayOf, printRows, rootFlag, withAccounts } from "./root.ts";

const NS_PER_MS = 1_000_000;

export const tokenCreate = changing({
  usage: "[OPTIONS] ACCOUNT [SCOPE...]",
  args: args.atLeast(1),
  details:
    "SCOPE is repository:NAME:pull,push (NAME may be team/* or *); without any, the token may do what ACCOUNT may. " +
    "It is the password of ACCOUNT for docker login, and a Bearer token as it is.",
  flags: {
    description: flag.string("What it is for"),
    expires: flag.duration("How long it is good for", { shown: "until taken back" }),
    root: rootFlag(),
  },
  async run({ io }, { flags, args: [name = "", ...words] }) {
    const scopes = words.length === 0 ? undefined : parseScopes(words);
    const token = await withAccounts(flags.root, (accounts) => {
      if (accounts.account(name) === undefined) throw new ExitError(1, `there is no user or robot ${name}`);
      return accounts.tokens.create(name, flags.description, scopes, expiry(flags.expires));
    });
    io.stdout.line(token.text);
  },
});

export const tokenLs = command({
  usage: "[OPTIONS] [ACCOUNT]",
  args: args.atMost(1),
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [account] }) {
    const found = await withAccounts(flags.root, ({ tokens }) => tokens.list(account));
    const rows = found.map((each) => [
      each.id,
      each.account,
      each.scopes?.map(({ pattern, actions }) => `${pattern}:${actions.join(",")}`).join(" ") ?? "all",
      dayOf(each.expiresAt),
      dayOf(each.usedAt),
      each.description,
    ]);
    printRows(io.stdout, ["ID", "ACCOUNT", "SCOPES", "EXPIRES", "LAST USED", "DESCRIPTION"], rows);
  },
});

export const tokenRm = changing({
  usage: "[OPTIONS] ID [ID...]",
  args: args.atLeast(1),
  details: "What was made from it ends at once as well.",
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: ids }) {
    await withAccounts(flags.root, ({ tokens }) => {
      for (const id of ids) {
        if (!tokens.remove(id)) throw new ExitError(1, `there is no token ${id}`);
        io.stdout.line(id);
      }
    });
  },
});

/** ms since the epoch; undefined for 0, which is forever. @param duration ns */
export function expiry(duration: number): number | undefined {
  if (duration < 0) throw new ExitError(1, "--expires must not be negative");
  return duration === 0 ? undefined : Date.now() + Math.ceil(duration / NS_PER_MS);
}
