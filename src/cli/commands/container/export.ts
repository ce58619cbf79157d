// `export`: a container's file system as a tar archive.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkOutputPath, copyTo, writeFileWhole } from "../../stream/files.ts";

export const exportContainer = command({
  usage: "[OPTIONS] CONTAINER",
  args: args.exactly(1),
  flags: { output: flag.string("Write to a file, instead of STDOUT", { short: "o" }) },
  async run({ engine, io }, { flags, args: [name = ""] }) {
    if (flags.output === "" && io.stdout.isTTY)
      throw new ExitError(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const file = flags.output === "" ? undefined : await checkOutputPath(flags.output, io.cwd, "export container");
    const { body } = await engine.send("GET", `/containers/${encodeURIComponent(name)}/export`);
    if (file === undefined) await copyTo(io.stdout, body);
    else await writeFileWhole(file, body);
  },
});
