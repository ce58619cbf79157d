// `commit`: a container's changes as a new image.

import { familiarName, parseReference } from "../../../image/reference.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";

export const commit = command({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  args: args.between(1, 2),
  interspersed: false,
  flags: {
    author: flag.string('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { short: "a" }),
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: flag.string("Commit message", { short: "m" }),
    pause: flag.bool("Pause container during commit", { short: "p", initial: true, shown: "true" }),
  },
  async run({ engine, io }, { flags, args: [container = "", name] }) {
    const reference = name === undefined ? undefined : parseReference(name);
    const { Id } = await engine.json<{ Id: string }>("POST", "/commit", {
      query: {
        container,
        repo: reference === undefined ? undefined : familiarName(reference),
        tag: reference?.tag,
        comment: flags.message || undefined,
        author: flags.author || undefined,
        changes: flags.change,
        pause: flags.pause ? undefined : "0",
      },
    });
    io.stdout.line(Id);
  },
});
