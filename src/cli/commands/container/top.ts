// `top`: the processes of a container, as ps shows them.

import type { ContainerTopResponse } from "../../../api/types/container.ts";
import { args, command } from "../../command.ts";
import { alignTabs } from "../../format/tabs.ts";

export const top = command({
  usage: "CONTAINER [ps OPTIONS]",
  args: args.atLeast(1),
  interspersed: false,
  flags: {},
  async run({ engine, io }, { args: [name = "", ...options] }) {
    const { Titles, Processes } = await engine.json<ContainerTopResponse>(
      "GET",
      `/containers/${encodeURIComponent(name)}/top`,
      { query: { ps_args: options.join(" ") || undefined } },
    );
    const rows = [Titles, ...(Processes ?? [])].map((row) => `${row.join("\t")}\n`);
    io.stdout.print(alignTabs(rows.join(""), { minWidth: 20, padding: 3 }));
  },
});
