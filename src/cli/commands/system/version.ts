// `version`: of the client and of the engine.

import type { SystemVersion } from "../../../api/types/system.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { alignTabs } from "../../format/tabs.ts";
import { contextName } from "../../session.ts";
import { objectFormat } from "../../template/format.ts";
import { typed } from "../../template/typed.ts";
import type { Value } from "../../template/value.ts";
import { inspectFormat } from "../shared.ts";
import { type ClientVersion, clientVersion, readableTime } from "./client-version.ts";

interface Client extends ClientVersion {
  readonly ApiVersion: string;
  readonly Context: string;
}

export const version = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { format: inspectFormat() },
  async run(context, { flags }) {
    const { engine, io } = context;
    const show = flags.format === "" ? undefined : objectFormat(flags.format, "version");
    let server: SystemVersion | undefined;
    let failure: unknown;
    try {
      server = await engine.json<SystemVersion>("GET", "/version");
    } catch (thrown) {
      failure = thrown;
    }
    const { Version, ...rest } = clientVersion();
    const client: Client = { Version, ApiVersion: engine.version, ...rest, Context: contextName(context) };
    const known = server === undefined ? null : { ...server, BuildTime: readableTime(server.BuildTime ?? "") };
    if (show === undefined) io.stdout.print(page(io.program, client, known));
    else {
      try {
        io.stdout.print(show(typed({ Client: { ...client }, Server: forTemplate(server) }, "VersionInfo")));
      } finally {
        io.stdout.line();
      }
    }
    if (failure !== undefined) throw new ExitError(1, messageOf(failure), failure);
  },
});

/** The engine's time of build in its component as people read it; in the server's own field it stays. */
function forTemplate(server: SystemVersion | undefined): Value {
  const Components = (server?.Components ?? []).map((component) => {
    const { BuildTime, ...rest } = (component.Details ?? {}) as Readonly<Record<string, string>>;
    if (component.Name !== "Engine" || BuildTime === undefined) return component;
    return { ...component, Details: { ...rest, BuildTime: readableTime(BuildTime) } };
  });
  return server === undefined ? null : ({ ...server, Components } as unknown as Value);
}

function page(program: string, client: Client, server: SystemVersion | null): string {
  const name = program === "docker" ? "Client:" : "Client: hoy";
  const lines = [
    name,
    ` Version:\t${client.Version}`,
    ` API version:\t${client.ApiVersion}${client.ApiVersion === client.DefaultAPIVersion ? "" : ` (downgraded from ${client.DefaultAPIVersion})`}`,
    ` Go version:\t${client.GoVersion}`,
    ` Git commit:\t${client.GitCommit}`,
    ` Built:\t${client.BuildTime}`,
    ` OS/Arch:\t${client.Os}/${client.Arch}`,
    ` Context:\t${client.Context}`,
  ];
  if (server !== null) lines.push("", ...serverLines(server));
  return alignTabs(`${lines.join("\n")}\n`, { minWidth: 20, padding: 1 });
}

function serverLines(server: SystemVersion): string[] {
  const [engine, ...components] = server.Components ?? [];
  const details: Record<string, unknown> = engine?.Details ?? {};
  const shown = (name: string, fallback: string | undefined) => String(details[name] ?? fallback ?? "");
  const lines = [
    `Server:${server.Platform?.Name ? ` ${server.Platform.Name}` : ""}`,
    ` ${engine?.Name ?? "Engine"}:`,
    `  Version:\t${engine?.Version ?? server.Version ?? ""}`,
    `  API version:\t${shown("ApiVersion", server.ApiVersion)} (minimum version ${shown("MinAPIVersion", server.MinAPIVersion)})`,
    `  Go version:\t${shown("GoVersion", server.GoVersion)}`,
    `  Git commit:\t${shown("GitCommit", server.GitCommit)}`,
    `  Built:\t${readableTime(shown("BuildTime", server.BuildTime))}`,
    `  OS/Arch:\t${shown("Os", server.Os)}/${shown("Arch", server.Arch)}`,
    `  Experimental:\t${shown("Experimental", String(server.Experimental ?? false))}`,
  ];
  for (const { Name, Version, Details } of components) {
    lines.push(` ${Name}:`, `  Version:\t${Version}`);
    for (const [key, value] of Object.entries(Details ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)))
      lines.push(`  ${key}:\t${String(value)}`);
  }
  return lines;
}
