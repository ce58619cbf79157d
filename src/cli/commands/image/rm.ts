// `rmi`: takes names from images, and removes what has none left.

import { DaemonError } from "../../../api/client/errors.ts";
import type { ImageDeleteResponseItem } from "../../../api/types/image.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { platformJson } from "./load.ts";

export const rm = command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: args.atLeast(1),
  flags: {
    force: flag.bool("Force removal of the image", { short: "f" }),
    "no-prune": flag.bool("Do not delete untagged parents"),
    platform: flag.strings(
      'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
  },
  async run({ engine, io }, { flags, args: names }) {
    const failures: string[] = [];
    let fatal = false;
    for (const name of names) {
      try {
        const items = await engine.json<Partial<ImageDeleteResponseItem>[]>(
          "DELETE",
          `/images/${encodeURIComponent(name)}`,
          {
            query: {
              force: flags.force,
              noprune: flags["no-prune"],
              platforms: flags.platform.map(platformJson),
            },
          },
        );
        for (const { Deleted, Untagged } of items)
          io.stdout.line(Deleted ? `Deleted: ${Deleted}` : `Untagged: ${Untagged}`);
      } catch (thrown) {
        if (!(thrown instanceof DaemonError) || thrown.answered !== 404) fatal = true;
        failures.push(messageOf(thrown));
      }
    }
    if (failures.length === 0) return;
    const text = failures.join("\n");
    if (!flags.force || fatal) throw new ExitError(1, text);
    io.stderr.line(text);
  },
});
