// `search`: images of a registry by a word.

import { parseReference } from "../../../image/reference.ts";
import { ellipsis } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { authHeader } from "../../config/credentials.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { View } from "../../template/value.ts";
import { filterQuery } from "../shared.ts";

interface Result {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated?: boolean;
}

const TABLE = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}";
const HEADERS = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
  IsAutomated: "AUTOMATED",
};

export const search = command({
  usage: "[OPTIONS] TERM",
  args: args.exactly(1),
  flags: {
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: flag.string("Pretty-print search using a Go template"),
    limit: flag.int("Max number of search results"),
    "no-trunc": flag.bool("Don't truncate output"),
  },
  async run({ engine, io, config }, { flags, args: [term = ""] }) {
    const found = await engine.json<Result[]>("GET", "/images/search", {
      query: { term, limit: flags.limit > 0 ? flags.limit : undefined, filters: filterQuery(flags.filter) },
      headers: await authHeader(config, registryOf(term)),
    });
    const format = flags.format === "" || flags.format === "table" ? TABLE : flags.format;
    const rows = found.map((result) => resultView(result, !flags["no-trunc"]));
    printList(io.stdout, { format, headers: HEADERS, rows });
  },
});

function registryOf(term: string) {
  return parseReference(term.includes("/") ? term : "library/any");
}

function resultView(result: Result, truncate: boolean): View {
  const description = result.description.replaceAll(/[\n\r]/g, " ");
  const mark = (on: boolean | undefined) => (on === true ? "[OK]" : "");
  return new View("*registry.searchContext", {
    Description: () => (truncate ? ellipsis(description, 45) : description),
    IsAutomated: () => mark(result.is_automated),
    IsOfficial: () => mark(result.is_official),
    Name: () => result.name,
    StarCount: () => String(result.star_count),
  });
}
