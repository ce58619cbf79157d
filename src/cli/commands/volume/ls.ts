// `volume ls`.

import type { VolumeListResponse } from "../../../api/types/volume.ts";
import { ExitError } from "../../base/errors.ts";
import { compareNatural } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { filterQuery, listFormat } from "../shared.ts";
import { limitOf, VOLUME_HEADERS, volumeView } from "./view.ts";

const TABLE = "table {{.Driver}}\t{{.Name}}";

export const ls = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    cluster: flag.bool("Display only cluster volumes, and use cluster volume list formatting"),
    filter: flag.filter('Provide filter values (e.g. "dangling=true")', { short: "f" }),
    format: listFormat(),
    quiet: flag.bool("Only display volume names", { short: "q" }),
  },
  async run({ engine, io, config }, { flags }) {
    if (flags.cluster) throw new ExitError(1, "--cluster: there are no cluster volumes, as this is no swarm");
    const { Volumes } = await engine.json<VolumeListResponse>("GET", "/volumes", {
      query: { filters: filterQuery(flags.filter) },
    });
    const volumes = [...(Volumes ?? [])].sort((left, right) => compareNatural(left.Name, right.Name));
    const chosen = flags.format || (flags.quiet ? "table" : config.data.volumesFormat) || "table";
    const limited = volumes.some((volume) => limitOf(volume) !== undefined);
    const format = formatOf(chosen, flags.quiet, limited);
    const rows = volumes.map((volume) => volumeView(volume, !/\bjson\b/.test(format)));
    printList(io.stdout, { format, headers: VOLUME_HEADERS, rows });
  },
});

/** @param limited shows a column more: some volume has a size that it can't outgrow */
function formatOf(chosen: string, quiet: boolean, limited: boolean): string {
  if (chosen === "raw") return quiet ? "name: {{.Name}}" : "name: {{.Name}}\ndriver: {{.Driver}}\n";
  if (chosen === "table") return quiet ? "{{.Name}}" : limited ? `${TABLE}\t{{.Limit}}` : TABLE;
  return chosen;
}
