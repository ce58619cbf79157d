// `network ls`.

import type { Network } from "../../../api/types/network.ts";
import { compareNatural } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { filterQuery, listFormat } from "../shared.ts";
import { NETWORK_HEADERS, networkView } from "./view.ts";

const TABLE = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
const RAW = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n";

export const ls = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    filter: flag.filter('Provide filter values (e.g. "driver=bridge")', { short: "f" }),
    format: listFormat(),
    "no-trunc": flag.bool("Do not truncate the output"),
    quiet: flag.bool("Only display network IDs", { short: "q" }),
  },
  async run({ engine, io, config }, { flags }) {
    const networks = await engine.json<Network[]>("GET", "/networks", {
      query: { filters: filterQuery(flags.filter) },
    });
    networks.sort((left, right) => compareNatural(left.Name ?? "", right.Name ?? ""));
    const chosen = flags.format || (flags.quiet ? "table" : config.data.networksFormat) || "table";
    const format = formatOf(chosen, flags.quiet);
    const rows = networks.map((network) => networkView(network, !flags["no-trunc"]));
    printList(io.stdout, { format, headers: NETWORK_HEADERS, rows });
  },
});

function formatOf(chosen: string, quiet: boolean): string {
  if (chosen === "raw") return quiet ? "network_id: {{.ID}}" : RAW;
  if (chosen === "table") return quiet ? "{{.ID}}" : TABLE;
  return chosen;
}
