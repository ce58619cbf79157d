// Asks both engines for each case, and compares. Exit code: how many differ and are not meant to (at most 100).

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../harness/command.ts";
import { TestDaemon } from "../../harness/daemon.ts";
import { baseTar } from "../../harness/images.ts";
import { type Case, MOUNTS, NETWORKS, PORTS } from "./cases.ts";

const IMAGE = "forms-busybox";
const [peer = ""] = process.argv.slice(2);
const directory = mkdtempSync("/tmp/hoy-forms-");
const shared = join(directory, "shared");
mkdirSync(shared, { mode: 0o755 });
writeFileSync(join(shared, "file"), "file\n");
symlinkSync("file", join(shared, "link"));
const hoy = new TestDaemon({});
await hoy.up();
const engines = [peer, `unix://${hoy.socket}`] as const;
let differing = 0;
try {
  for (const engine of engines) await prepare(engine);
  for (const one of MOUNTS) await compare("create", one, mounts);
  for (const one of PORTS) await compare("create", one, ports);
  for (const one of NETWORKS) await compare("network create", one, network);
} finally {
  for (const engine of engines) await cleanUp(engine);
  await hoy.close();
  rmSync(directory, { recursive: true });
}
const count = MOUNTS.length + PORTS.length + NETWORKS.length;
console.log(`${count} forms, ${differing} differ`);
process.exit(Math.min(differing, 100));

async function docker(engine: string, ...args: string[]) {
  const client = { HOME: directory, DOCKER_CONFIG: directory, DOCKER_CLI_HINTS: "false" };
  return command(["docker", "--host", engine, ...args], { env: client });
}

async function prepare(engine: string): Promise<void> {
  await cleanUp(engine);
  const imported = ["docker", "--host", engine, "import", "-", IMAGE];
  await command(imported, { input: await baseTar(), env: { HOME: directory } });
  await docker(engine, "volume", "create", "forms-v");
  await docker(engine, "network", "create", "--subnet", "10.230.1.0/24", "forms-net");
  await docker(engine, "create", "--name", "forms-from", "-v", "forms-v:/data", "-v", "/more", IMAGE, "true");
}

async function cleanUp(engine: string): Promise<void> {
  await docker(engine, "rm", "--force", "--volumes", "forms", "forms-from");
  await docker(engine, "volume", "rm", "--force", "forms-v", "forms-w", "forms-x");
  await docker(engine, "network", "rm", "forms-n", "forms-net");
  await docker(engine, "rmi", "--force", IMAGE);
}

type Look = (engine: string) => Promise<unknown>;

async function compare(verb: "create" | "network create", one: Case, look: Look): Promise<void> {
  const [theirs, ours] = [await outcome(engines[0], verb, one, look), await outcome(engines[1], verb, one, look)];
  if (theirs === ours || one.differs !== undefined) return;
  differing++;
  console.log(`${verb} ${one.args}\n  dockerd: ${theirs}\n  hoy:     ${ours}`);
}

/** What is made of it, or the error, as one text without what is by chance. */
async function outcome(engine: string, verb: string, one: Case, look: Look): Promise<string> {
  const args = one.args.replaceAll("DIR", shared).split(" ");
  const made = verb === "create" ? ["--name", "forms", ...args, IMAGE, "true"] : args;
  const { code, stderr } = await docker(engine, ...verb.split(" "), ...made);
  let said = code === 0 ? JSON.stringify(await look(engine)) : `error: ${plain(stderr)}`;
  if (code === 0 && one.start) {
    const started = await docker(engine, "start", "--attach", "forms");
    said += ` started: ${started.code} ${plain(started.stderr)}`;
  }
  if (verb === "create") await docker(engine, "rm", "--force", "--volumes", "forms");
  else await docker(engine, "network", "rm", "forms-n");
  return said.replace(/\b[0-9a-f]{64}\b/g, "ID").replaceAll(shared, "DIR");
}

function plain(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.replace(/^(?:docker: )?(?:Error response from daemon: )?/, "").replace(/\.$/, "");
}

async function inspect<T>(engine: string, name: string): Promise<T> {
  const { stdout } = await docker(engine, "inspect", name);
  return (JSON.parse(stdout) as [T])[0];
}

interface MountPoint {
  readonly Type: string;
  readonly Destination: string;
  readonly Source: string;
}

async function mounts(engine: string): Promise<unknown> {
  const { Mounts } = await inspect<{ Mounts: readonly MountPoint[] }>(engine, "forms");
  return Mounts.map((mount) => ({ ...mount, Source: mount.Type === "volume" ? "" : mount.Source }))
    .toSorted((a, b) => a.Destination.localeCompare(b.Destination))
    .map((mount) => Object.fromEntries(Object.entries(mount).toSorted(([a], [b]) => a.localeCompare(b))));
}

async function ports(engine: string): Promise<unknown> {
  const { Config, HostConfig } = await inspect<{
    Config: { ExposedPorts?: object; Hostname: string };
    HostConfig: { PortBindings: object | null; PublishAllPorts: boolean; Dns: unknown; ExtraHosts: unknown };
  }>(engine, "forms");
  const { PortBindings, PublishAllPorts, Dns, ExtraHosts } = HostConfig;
  const exposed = Object.keys(Config.ExposedPorts ?? {}).sort();
  return { bindings: Object.entries(PortBindings ?? {}).sort(), exposed, PublishAllPorts, Dns, ExtraHosts };
}

async function network(engine: string): Promise<unknown> {
  const { Driver, Internal, IPAM, Options, Labels, EnableIPv6 } = await inspect<Record<string, unknown>>(
    engine,
    "forms-n",
  );
  const addresses = (IPAM as { Config: readonly Record<string, unknown>[] }).Config;
  // Those that the engine chose are by chance.
  const asked = addresses.filter(({ Subnet }) => /^(?:10\.23|fd00:231)/.test(String(Subnet)));
  return { Driver, Internal, EnableIPv6, asked: asked.map((one) => Object.entries(one).sort()), Options, Labels };
}
