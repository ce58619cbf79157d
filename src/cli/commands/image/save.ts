// `save`: images as an archive that `load` takes.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkOutputPath, copyTo, writeFileWhole } from "../../stream/files.ts";
import { platformJson } from "./load.ts";

export const save = command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: args.atLeast(1),
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
    platform: flag.strings(
      'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
  },
  async run({ engine, io }, { flags, args: names }) {
    if (flags.output === "" && io.stdout.isTTY)
      throw new ExitError(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const file = flags.output === "" ? undefined : await checkOutputPath(flags.output, io.cwd, "save image");
    const { body } = await engine.send("GET", "/images/get", {
      query: { names, platform: flags.platform.map(platformJson) },
    });
    if (file === undefined) await copyTo(io.stdout, body);
    else await writeFileWhole(file, body);
  },
});
