// `registry repo ls`: the names, one a line, from the registry's database, whether it runs or not.

import { repositoryNames } from "../../../registry/server/admin.ts";
import { args, command } from "../../command.ts";
import { requireRegistry, rootFlag } from "./root.ts";

export const repoLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    for (const name of repositoryNames(flags.root)) io.stdout.line(name);
  },
});
