// `registry repo …`: repositories, from the registry's database, whether it runs or not.

import { EVERYBODY } from "../../../registry/server/access/grants.ts";
import { repositoryNames, withBooks } from "../../../registry/server/admin.ts";
import { isRepositoryName } from "../../../registry/server/names.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { changing } from "./audited.ts";
import { requireRegistry, rootFlag, withAccounts } from "./root.ts";

export const repoLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    for (const name of withBooks(flags.root, repositoryNames)) io.stdout.line(name);
  },
});

export const repoSet = changing({
  usage: "[OPTIONS] NAME",
  args: args.exactly(1),
  details: "NAME need not be there yet. A public repository is pulled by anybody, signed in or not.",
  flags: {
    private: flag.bool("Only for those it was granted to"),
    public: flag.bool("Anybody may pull"),
    root: rootFlag(),
  },
  async run(_context, { flags, args: [name = ""] }) {
    if (flags.public === flags.private) throw new ExitError(1, "say --public or --private");
    if (!isRepositoryName(name)) throw new ExitError(1, `${JSON.stringify(name)} is not a repository`);
    await withAccounts(flags.root, ({ grants }) => {
      if (flags.public) return grants.grant(EVERYBODY, name, "read");
      grants.revoke(EVERYBODY, name);
      if (grants.isPublic(name))
        throw new ExitError(1, `${name} is still public by a wider grant (see: hoy registry grants everybody)`);
    });
  },
});

export const repoRm = changing({
  usage: "[OPTIONS] NAME [NAME...]",
  args: args.atLeast(1),
  details: "Its tags and manifests are gone at once; the next collection frees the bytes.",
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: names }) {
    requireRegistry(flags.root);
    withBooks(flags.root, ({ rows }) => {
      for (const name of names) {
        if (!rows.removeRepository(name)) throw new ExitError(1, `there is no repository ${name}`);
        io.stdout.line(name);
      }
    });
  },
});
