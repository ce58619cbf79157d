// What one command of a build runs in: put together as a container's surroundings are, and without being one: no row, no
// name, no restart. All of it is taken away when it is disposed of; what a killed engine leaves is swept when the next
// one opens its solver.

import { chmod, chown, lstat, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { paths } from "../../base/paths.ts";
import type { Step, StepIo, StepMount } from "../../build/needs.ts";
import type { Reservation } from "../../network/contract.ts";
import { cgroupPath } from "../../runtime/cgroups/path.ts";
import type { IdMap, StartRequest } from "../../runtime/contract.ts";
import { buildSpec } from "../../runtime/spec/build.ts";
import type { ResolvedMount, SpecInput } from "../../runtime/spec/input.ts";
import { prepareBinds } from "../../runtime/spec/prepare.ts";
import { validateHostConfig, withHostDefaults } from "../../runtime/spec/validate.ts";
import { toHostId } from "../../runtime/userns/allocate.ts";
import { MAX_ACCOUNT_FILE } from "../../runtime/userns/passwd.ts";
import { type ResolvedUser, resolveUser } from "../../runtime/userns/user.ts";
import { removeTree } from "../../storage/tree/remove.ts";
import { hostsText } from "../containers/files.ts";
import { LayeredRoot } from "../containers/layered-root.ts";
import type { EngineContext } from "../context.ts";

/** Begins the names of steps' directories in the temporary directory. */
export const STEP_PREFIX = "build-step-";

/** Where a step's files are, and what it writes. */
export interface StepPlace extends AsyncDisposable {
  readonly id: string;
  readonly root: string;
  readonly upper: string;
}

/** What a command needs, whoever listens to it. */
export type StepNeeds = Omit<Step, "output" | "signal">;

/** "/" of the step has the owner and mode that the tree below has. */
export async function openPlace(engine: EngineContext, lowers: readonly string[]): Promise<StepPlace> {
  const id = newId();
  const root = join(paths.temporary(engine.settings.paths), `${STEP_PREFIX}${id}`);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeTree(root));
  const upper = await makeDirectories(root, lowers);
  const owned = stack.move();
  return { id, root, upper, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export interface ReadyStep extends AsyncDisposable {
  readonly request: StartRequest;
  readonly config: ContainerConfig;
}

/** Everything but the start itself. */
export async function setUpStep(
  engine: EngineContext,
  step: StepNeeds,
  { id, root, upper }: StepPlace,
  { terminal, stdin }: StepIo,
): Promise<ReadyStep> {
  await using stack = new AsyncDisposableStack();
  const { config, hostConfig } = configOf(engine, step, terminal);
  const idMap = wantsUserNamespace(engine, step) ? engine.idRanges.allocate() : undefined;
  stack.defer(() => engine.idRanges.release(idMap));
  const reservation = await engine.network.reserve({
    containerId: id,
    name: `build-${id.slice(0, 12)}`,
    hostname: config.Hostname ?? "",
    domainname: "",
    networkMode: hostConfig.NetworkMode ?? "default",
    endpoints: {},
    hostConfig,
    exposedPorts: [],
  });
  stack.defer(() => engine.network.release(id));
  const bundle = paths.bundle(engine.settings.paths, id);
  const runtime = engine.ociRuntime(undefined);
  await mkdir(bundle, { recursive: true, mode: 0o711 });
  stack.defer(() => engine.runtime.cleanup(id, bundle, runtime));
  const built = buildSpec({
    id,
    bundle,
    config,
    hostConfig,
    user: await userOf(step, upper, step.op.user),
    mounts: await mountsOf(step.mounts, idMap, step.op.cwd),
    files: await filesOf(root, reservation),
    idMap,
    namespaces: { network: networkOf(reservation) },
    deviceDirectory: join(root, "devices"),
    cgroupPath: cgroupPath(id, hostConfig.CgroupParent || engine.settings.cgroupParent),
    facts: engine.facts,
    defaults: engine.specDefaults,
  });
  for (const warning of built.warnings) log.warn(warning, { build: step.op.args.join(" ").slice(0, 100) });
  await prepareBinds(built.binds);
  const request: StartRequest = {
    id,
    bundle,
    state: root,
    spec: built.spec,
    rootfs: { lowers: step.lowers, upper, work: join(root, "work") },
    idMap,
    binds: built.binds,
    terminal,
    consoleSize: undefined,
    openStdin: stdin,
    stdinOnce: stdin,
    log: NO_LOG,
    runtime,
    hold: true,
    onNetworkNamespace:
      reservation.namespace.kind === "managed" ? (pid) => engine.network.connect(id, `/proc/${pid}/ns/net`) : undefined,
  };
  const owned = stack.move();
  return { request, config, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const NO_LOG = {
  driver: "none",
  path: "",
  maxSize: 0,
  maxFile: 1,
  compress: false,
  attrs: "",
  mode: "blocking",
  maxBuffer: 0,
} as const;

/** Every step's, as with BuildKit: a command that writes its host's name down leaves the same files each time. */
const HOSTNAME = "buildkitsandbox";

/** What the command would have as a container's. */
function configOf(
  engine: EngineContext,
  { op, env, readonlyRoot, mounts, limits }: StepNeeds,
  terminal: boolean,
): { config: ContainerConfig; hostConfig: HostConfig } {
  const config: ContainerConfig = {
    Cmd: [...op.args],
    Env: [...env],
    WorkingDir: op.cwd || "/",
    User: op.user,
    Tty: terminal,
    Hostname: op.hostname || (op.network === "host" ? "" : HOSTNAME),
  };
  const tmpfs = mounts.flatMap((mount) => (mount.type === "tmpfs" ? [mount] : []));
  const wanted: HostConfig = {
    ...limits?.resources,
    NetworkMode: op.network === "sandbox" ? limits?.network || defaultNetwork(engine) : op.network,
    Privileged: op.insecure,
    ReadonlyRootfs: readonlyRoot,
    ExtraHosts: op.extraHosts.map(({ host, ip }) => `${host}:${ip}`),
    Ulimits: op.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    CgroupParent: op.cgroupParent,
    IpcMode: "private",
    Tmpfs: Object.fromEntries(
      tmpfs.map(({ target, size }) => [absolute(target, op.cwd), size > 0 ? `size=${size}` : ""]),
    ),
    ...(op.shmSize > 0 ? { ShmSize: op.shmSize } : {}),
    ...(engine.settings.userNamespaces.enabled ? {} : { UsernsMode: "host" }),
  };
  const { hostConfig } = validateHostConfig(withHostDefaults(wanted, engine), config, engine);
  return { config, hostConfig };
}

/** An engine without a default network has none to give, as Docker's has not. */
function defaultNetwork({ settings }: EngineContext): string {
  return settings.network.bridge === "none" ? "none" : "default";
}

/** The host's network can't belong to a namespace of the step's; insecure is the host's root by definition. */
function wantsUserNamespace(engine: EngineContext, { op }: StepNeeds): boolean {
  return engine.settings.userNamespaces.enabled && !op.insecure;
}

function networkOf({ namespace }: Reservation): SpecInput["namespaces"]["network"] {
  switch (namespace.kind) {
    case "host":
      return { kind: "host" };
    case "managed":
      // The shim makes it; its path is put in once it is known.
      return { kind: "join", path: "/proc/0/ns/net", owned: true };
    default:
      return { kind: "new" };
  }
}

/** @throws HoyError "invalid" for one that the step's own files do not know. */
export async function userOf({ lowers }: Pick<Step, "lowers">, upper: string, user: string): Promise<ResolvedUser> {
  using root = new LayeredRoot([upper, ...lowers]);
  const readFile = async (path: string) => root.readText(path, MAX_ACCOUNT_FILE);
  return await resolveUser({ user, groupAdd: [], readFile });
}

async function mountsOf(mounts: readonly StepMount[], idMap: IdMap | undefined, cwd: string): Promise<ResolvedMount[]> {
  const resolved: ResolvedMount[] = [];
  for (const mount of mounts) {
    if (mount.type === "tmpfs") continue;
    const destination = absolute(mount.target, cwd);
    const bind = { type: "bind", source: mount.source, destination, writable: !mount.readonly } as const;
    if (mount.type === "bind") {
      resolved.push(bind);
      continue;
    }
    // Given to the step's own ids on the disk, so that it needs no file system that maps them.
    await chown(mount.source, hostId(idMap?.uids, mount.uid), hostId(idMap?.gids, mount.gid));
    await chmod(mount.source, mount.mode & 0o7777);
    resolved.push({ ...bind, idmap: false });
  }
  return resolved;
}

function hostId(ranges: IdMap["uids"] | undefined, id: number): number {
  const found = ranges === undefined ? id : toHostId(ranges, id);
  if (found === undefined) throw new HoyError("invalid", `owner ${id} is outside of the step's user namespace`);
  return found;
}

async function filesOf(root: string, reservation: Reservation) {
  const file = async (name: string, text: string) => {
    const path = join(root, name);
    await writeFile(path, text, { mode: 0o644 });
    await chmod(path, 0o644);
    return path;
  };
  return {
    // The image's own, as with BuildKit: a step may write it, or take it away.
    hostname: undefined,
    hosts: await file("hosts", hostsText(reservation)),
    resolvConf: await file("resolv.conf", reservation.resolvConf),
  };
}

async function makeDirectories(root: string, lowers: readonly string[]): Promise<string> {
  const upper = join(root, "upper");
  await mkdir(root, { mode: 0o700 });
  await mkdir(join(root, "work"), { mode: 0o700 });
  await mkdir(upper, { mode: 0o755 });
  const [top] = lowers;
  if (top === undefined) return upper;
  const { uid, gid, mode } = await lstat(top);
  await chown(upper, uid, gid);
  await chmod(upper, mode & 0o7777);
  return upper;
}

export function absolute(target: string, cwd: string): string {
  return target.startsWith("/") ? target : join(cwd || "/", target);
}
