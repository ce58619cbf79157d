// `context export`: a context with its certificates as a tar archive, which holds the key: mode 0600.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pack } from "tar-stream";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { ContextStore, DEFAULT_CONTEXT } from "../../config/contexts.ts";
import { openFailure } from "../../run/environment.ts";
import { type FoundContext, findContext } from "./find.ts";

export const exportContext = command({
  usage: "[OPTIONS] CONTEXT [FILE|-]",
  args: args.between(1, 2),
  flags: {},
  async run(context, { args: [name = "", written] }) {
    const { io } = context;
    if (name !== DEFAULT_CONTEXT) ContextStore.checkName(name);
    const archive = await archiveOf(findContext(context, name));
    const file = written ?? `${name}.dockercontext`;
    if (file === "-") {
      if (io.stdout.isTTY) throw new ExitError(1, "cowardly refusing to export to a terminal, specify a file path");
      await io.stdout.write(archive);
      return;
    }
    try {
      writeFileSync(resolve(io.cwd, file), archive, { flag: "wx", mode: 0o600 });
    } catch (thrown) {
      throw new ExitError(1, openFailure(file, thrown), thrown);
    }
    io.stderr.line(`Written file ${JSON.stringify(file)}`);
  },
});

async function archiveOf({ meta, tls }: FoundContext): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "meta.json", mode: 0o644 }, JSON.stringify(meta));
  tar.entry({ name: "tls", type: "directory", mode: 0o700 });
  if (Object.keys(tls).length > 0) tar.entry({ name: "tls/docker", type: "directory", mode: 0o700 });
  for (const [file, text] of Object.entries(tls)) tar.entry({ name: `tls/docker/${file}`, mode: 0o600 }, text);
  tar.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of tar) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}
