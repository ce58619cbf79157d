// `info`: what the engine is and what it can do.

import type { SystemInfo } from "../../../api/types/system.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import type { Output } from "../../base/output.ts";
import { args, command } from "../../command.ts";
import { bytesSize } from "../../format/units.ts";
import { listPlugins, type Plugin } from "../../plugin-list.ts";
import { contextName } from "../../session.ts";
import { objectFormat } from "../../template/format.ts";
import { fieldNames, typed } from "../../template/typed.ts";
import { type Value, View } from "../../template/value.ts";
import { inspectFormat } from "../shared.ts";
import { clientVersion } from "./client-version.ts";

export const info = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { format: inspectFormat() },
  async run(context, { flags }) {
    const { engine, io, globals } = context;
    const show = flags.format === "" ? undefined : objectFormat(flags.format);
    let server: SystemInfo | undefined;
    const errors: string[] = [];
    try {
      server = await engine.json<SystemInfo>("GET", "/info");
    } catch (thrown) {
      errors.push(messageOf(thrown));
    }
    const client = {
      Debug: globals.debug,
      ...clientVersion(),
      Context: contextName(context),
      Plugins: await listPlugins(io, globals, context.tree),
      Warnings: null,
    };
    if (show !== undefined) {
      const failed = errors.length > 0 ? { ServerErrors: errors } : {};
      try {
        io.stdout.print(show(infoView({ ...server, ...failed, ClientInfo: client })));
      } finally {
        io.stdout.line();
      }
      if (errors.length > 0) throw new ExitError(1, errors.join("\n"));
      return;
    }
    const { stdout, stderr } = io;
    for (const line of [
      "Client:",
      ` Version:    ${client.Version}`,
      ` Context:    ${client.Context}`,
      ` Debug Mode: ${client.Debug}`,
      ...clientPlugins(client.Plugins),
    ])
      stdout.line(line);
    for (const { Path, Err } of client.Plugins)
      if (Err !== undefined) stderr.line(`WARNING: Plugin ${JSON.stringify(Path)} is not valid: ${Err}`);
    for (const line of ["", "Server:"]) stdout.line(line);
    if (server === undefined) throw new ExitError(1, errors.join("\n"));
    printServer(stdout, server, globals.debug);
    for (const warning of server.Warnings ?? []) stderr.line(warning);
  },
});

function clientPlugins(plugins: readonly Plugin[]): string[] {
  const usable = plugins.filter(({ Err }) => Err === undefined);
  return titled(
    " Plugins:",
    usable.flatMap(({ Name, ShortDescription = "", Vendor = "", Version, Path }) => [
      `  ${Name}: ${ShortDescription} (${Vendor})`,
      ...known("    Version: ", Version),
      `    Path:     ${Path}`,
    ]),
  );
}

/** A struct for templates, whatever this engine sends of it: another field is an error. */
function infoView(value: Readonly<Record<string, unknown>>): View {
  const all = typed(value as Value, "DockerInfo") as Readonly<Record<string, Value>>;
  const fields = Object.fromEntries(fieldNames(all).map((name) => [name, () => all[name] ?? null]));
  return new View("system.dockerInfo", fields, {}, { json: all });
}

function printServer(out: Output, server: SystemInfo, debug: boolean): void {
  for (const line of [
    ...counts(server),
    ...plugins(server),
    ...runtimes(server),
    ...host(server),
    ...settings(server, debug),
  ])
    out.line(line);
  out.line();
}

/** "label value" when there is a value. */
const known = (label: string, value: string | undefined) =>
  value === undefined || value === "" ? [] : [`${label} ${value}`];

const titled = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);

function counts(server: SystemInfo): string[] {
  return [
    ` Containers: ${server.Containers ?? 0}`,
    `  Running: ${server.ContainersRunning ?? 0}`,
    `  Paused: ${server.ContainersPaused ?? 0}`,
    `  Stopped: ${server.ContainersStopped ?? 0}`,
    ` Images: ${server.Images ?? 0}`,
    ...known(" Server Version:", server.ServerVersion),
    ...known(" Storage Driver:", server.Driver),
    ...(server.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...known(" Logging Driver:", server.LoggingDriver),
    ...known(" Cgroup Driver:", server.CgroupDriver),
    ...known(" Cgroup Version:", server.CgroupVersion),
  ];
}

function plugins({ Plugins, CDISpecDirs, DiscoveredDevices, Swarm }: SystemInfo): string[] {
  const names = (list: readonly string[] | null | undefined) => (list ?? []).join(" ");
  return [
    " Plugins:",
    `  Volume: ${names(Plugins?.Volume)}`,
    `  Network: ${names(Plugins?.Network)}`,
    ...known("  Authorization:", names(Plugins?.Authorization)),
    `  Log: ${names(Plugins?.Log)}`,
    ...titled(
      " CDI spec directories:",
      (CDISpecDirs ?? []).map((directory) => `  ${directory}`),
    ),
    ...titled(
      " Discovered Devices:",
      (DiscoveredDevices ?? []).map(({ Source, ID }) => `  ${Source}: ${ID}`),
    ),
    ` Swarm: ${Swarm?.LocalNodeState ?? "inactive"}`,
  ];
}

function runtimes(server: SystemInfo): string[] {
  const names = Object.keys(server.Runtimes ?? {});
  const lines =
    names.length === 0 ? [] : [` Runtimes: ${names.join(" ")}`, ` Default Runtime: ${server.DefaultRuntime ?? ""}`];
  if (server.OSType !== "linux") return lines;
  return [
    ...lines,
    ` Init Binary: ${server.InitBinary ?? ""}`,
    ` containerd version: ${server.ContainerdCommit?.ID ?? ""}`,
    ` runc version: ${server.RuncCommit?.ID ?? ""}`,
    ` init version: ${server.InitCommit?.ID ?? ""}`,
    ...titled(" Security Options:", (server.SecurityOptions ?? []).flatMap(securityOption)),
  ];
}

/** "name=seccomp,profile=builtin". */
function securityOption(text: string): string[] {
  const fields = text.split(",").map((field) => field.split("="));
  const value = (key: string) => fields.find(([name]) => name === key)?.[1];
  const profile = value("profile");
  return [`  ${value("name") ?? text}`, ...(profile === undefined ? [] : [`   Profile: ${profile}`])];
}

function host(server: SystemInfo): string[] {
  return [
    ...known(" Kernel Version:", server.KernelVersion),
    ...known(" Operating System:", server.OperatingSystem),
    ...known(" OSType:", server.OSType),
    ...known(" Architecture:", server.Architecture),
    ` CPUs: ${server.NCPU ?? 0}`,
    ` Total Memory: ${bytesSize(server.MemTotal ?? 0)}`,
    ...known(" Name:", server.Name),
    ...known(" ID:", server.ID),
    ` Docker Root Dir: ${server.DockerRootDir ?? ""}`,
  ];
}

function settings(server: SystemInfo, debug: boolean): string[] {
  const registry = server.RegistryConfig;
  const insecure = [
    ...Object.values(registry?.IndexConfigs ?? {}).flatMap(({ Name, Secure }) => (Secure ? [] : [`  ${Name}`])),
    ...(registry?.InsecureRegistryCIDRs ?? []).map((cidr) => `  ${cidr}`),
  ];
  return [
    ` Debug Mode: ${server.Debug ?? false}`,
    ...(server.Debug === true || debug
      ? [
          `  File Descriptors: ${server.NFd ?? 0}`,
          `  Goroutines: ${server.NGoroutines ?? 0}`,
          `  System Time: ${server.SystemTime ?? ""}`,
          `  EventsListeners: ${server.NEventsListener ?? 0}`,
        ]
      : []),
    ...known(" HTTP Proxy:", server.HttpProxy),
    ...known(" HTTPS Proxy:", server.HttpsProxy),
    ...known(" No Proxy:", server.NoProxy),
    ...titled(
      " Labels:",
      (server.Labels ?? []).map((label) => `  ${label}`),
    ),
    ` Experimental: ${server.ExperimentalBuild ?? false}`,
    ...(Object.keys(registry?.IndexConfigs ?? {}).length > 0 || insecure.length > 0
      ? [" Insecure Registries:", ...insecure]
      : []),
    ...titled(
      " Registry Mirrors:",
      (registry?.Mirrors ?? []).map((mirror) => `  ${mirror}`),
    ),
    ` Live Restore Enabled: ${server.LiveRestoreEnabled ?? false}`,
    ...known(" Product License:", server.ProductLicense),
    ...titled(
      " Default Address Pools:",
      (server.DefaultAddressPools ?? []).map(({ Base, Size }) => `   Base: ${Base}, Size: ${Size}`),
    ),
    ...titled(
      ` Firewall Backend: ${server.FirewallBackend?.Driver}`,
      (server.FirewallBackend?.Info ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ),
  ];
}
