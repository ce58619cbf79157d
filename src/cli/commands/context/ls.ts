// `context ls`.

import { compareNatural, ellipsis } from "../../base/text.ts";
import { args, type Context, command } from "../../command.ts";
import type { ContextMeta } from "../../config/contexts.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { contextName, contextStore } from "../../session.ts";
import { View } from "../../template/value.ts";
import { listFormat } from "../shared.ts";
import { defaultContext } from "./find.ts";

const TABLE = "table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}";
const HEADERS = { Name: "NAME", Description: "DESCRIPTION", DockerEndpoint: "DOCKER ENDPOINT", Error: "ERROR" };

export const ls = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { format: listFormat(), quiet: flag.bool("Only show context names", { short: "q" }) },
  async run(context, { flags }) {
    const { io } = context;
    const current = contextName(context);
    const contexts = [withDescription(context), ...contextStore(context).list()];
    contexts.sort((left, right) => compareNatural(left.Name, right.Name));
    const chosen = flags.format || "table";
    const format = flags.quiet ? "{{.Name}}" : chosen === "table" ? TABLE : chosen;
    const rows = contexts.map((meta) => contextView(meta, current));
    if (!contexts.some(({ Name }) => Name === current)) rows.push(missing(current));
    printList(io.stdout, { format, headers: HEADERS, rows });
    if (io.env.DOCKER_HOST)
      io.stderr.line(
        "Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.",
      );
  },
});

function withDescription(context: Context): ContextMeta {
  return { ...defaultContext(context), Metadata: { Description: "Current DOCKER_HOST based configuration" } };
}

function contextView(meta: ContextMeta, current: string): View {
  return new View("*formatter.clientContextContext", {
    Current: () => meta.Name === current,
    Description: () => ellipsis(meta.Metadata.Description ?? "", 60),
    DockerEndpoint: () => meta.Endpoints.docker?.Host ?? "",
    Error: () => "",
    Name: () => meta.Name,
  });
}

function missing(name: string): View {
  return new View("*formatter.clientContextContext", {
    Current: () => true,
    Description: () => "",
    DockerEndpoint: () => "",
    Error: () => ellipsis(`context ${JSON.stringify(name)}: context not found`, 45),
    Name: () => name,
  });
}
