// `ps`: the table of containers.

import type { ContainerSummary } from "../../../api/types/container.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { compileTemplate } from "../../template/template.ts";
import { filterQuery, listFilter, listFormat } from "../shared.ts";
import { CONTAINER_HEADERS, containerFormat, containerView } from "./view.ts";

export const ls = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    all: flag.bool("Show all containers (default shows just running)", { short: "a" }),
    filter: listFilter(),
    format: listFormat(),
    last: flag.int("Show n last created containers (includes all states)", { short: "n", initial: -1, shown: "-1" }),
    latest: flag.bool("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only display container IDs", { short: "q" }),
    size: flag.bool("Display total file sizes", { short: "s" }),
  },
  async run({ engine, io, config }, { flags, changed }) {
    const chosen = flags.format || (flags.quiet ? "table" : config.data.psFormat) || "table";
    const format = containerFormat(chosen, { quiet: flags.quiet, size: flags.size });
    if (flags.quiet && flags.format !== "")
      io.stderr.line("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    checkTemplate(chosen);
    const limit = flags.latest && !changed.has("last") ? 1 : flags.last;
    const containers = await engine.json<ContainerSummary[]>("GET", "/containers/json", {
      query: {
        all: flags.all,
        limit: limit > 0 ? limit : undefined,
        // Sizes are dear: asked for only when they are shown.
        size: flags.size || /\.Size\b|\bjson\s+\.(?!\w)/.test(format),
        filters: filterQuery(flags.filter),
      },
    });
    const rows = containers.map((container) => containerView(container, !flags["no-trunc"]));
    printList(io.stdout, { format, headers: CONTAINER_HEADERS, rows });
  },
});

/** Tried as it was written on an empty container, before the engine is asked: docker does, and its texts differ. */
function checkTemplate(format: string): void {
  const said = (thrown: unknown) => messageOf(thrown).replace(/^template parsing error: /, "");
  let step = "parse";
  try {
    const template = compileTemplate(format);
    step = "execute";
    template.render(containerView({}, true));
  } catch (thrown) {
    throw new ExitError(1, `failed to ${step} template: ${said(thrown)}`, thrown);
  }
}
