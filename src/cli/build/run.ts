// `build` by BuildKit's protocol, from its flags to its exit code.

import { createHash, randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { frame } from "../../build/buildkit/grpc/frames.ts";
import { bytesService, lateService, type ServiceTable } from "../../build/buildkit/grpc/service.ts";
import { GrpcError } from "../../build/buildkit/grpc/status.ts";
import { PATHS } from "../../build/buildkit/proto/paths.ts";
import { ExitError } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { connectBuild, type SessionNames } from "./connection.ts";
import { type OpenContext, openContext } from "./context.ts";
import type { CheckResult } from "./drive.ts";
import type { BuildFlags } from "./flags.ts";
import { type DialDirect, directDial } from "./lend/direct.ts";
import { fileService } from "./lend/files.ts";
import type { Destination } from "./lend/outputs.ts";
import { readOutputs } from "./outputs.ts";
import type { ProgressMode } from "./progress/modes.ts";
import { openProgress, type Progress } from "./progress/open.ts";
import { reportExplanations, reportFailure, reportWarnings } from "./progress/report.ts";
import { frontendAttributes, namedContexts, parseCache } from "./request.ts";
import { type Built, solveBuild } from "./solve.ts";
import { Stores } from "./stores.ts";

const INTERRUPTED = 130;

export async function runBuild(context: Context, flags: BuildFlags, where: string): Promise<number> {
  const { io, engine } = context;
  const opened = await openContext(io, where, flags.file);
  const stores = new Stores(io);
  const attrs = {
    ...opened.attrs,
    ...frontendAttributes(context, flags),
    ...(await namedContexts(context, flags["build-context"], opened.directories, stores)),
  };
  const { exporters, destinations } = readOutputs(flags, io);
  const request = {
    attrs,
    exporters,
    cacheFrom: await stores.cachesFrom(flags["cache-from"].map(parseCache)),
    cacheTo: stores.cachesTo(flags["cache-to"].map(parseCache)),
    entitlements: flags.network === "host" ? ["network.host", ...flags.allow] : flags.allow,
  };
  const session = sessionNames(opened.root);
  const progress = openProgress(flags.quiet || flags.check ? "quiet" : (flags.progress as ProgressMode), io);
  const controller = new AbortController();
  const { signal } = controller;
  const dial = directDial(engine, signal);
  const services = await lentServices(context, flags, opened, { destinations, stores, dial });
  const stop = () => controller.abort(new ExitError(INTERRUPTED, "ERROR: the build was cancelled"));
  using _interrupt = disposing(io.onSignal("SIGINT", stop));
  using _terminate = disposing(io.onSignal("SIGTERM", stop));
  using connection = await connectBuild(engine, { ...session, takesDirect: dial !== undefined }, services, signal);
  const solve = { control: connection.control, session: session.id, progress, signal, ...request };
  let hasReported = false;
  try {
    if (flags.check) {
      const { solveCheck } = await import("./drive.ts");
      return showCheck(context, await solveCheck(solve));
    }
    const debugged = async () => {
      const [{ solveDebugged }, { debugFailure }] = await Promise.all([import("./drive.ts"), import("./debug.ts")]);
      return solveDebugged(solve, async (error, ref) => {
        progress.end();
        report(context, error, progress);
        hasReported = true;
        await debugFailure(error, { io, control: connection.control, ref, signal });
      });
    };
    const built = await (flags.debug ? debugged() : solveBuild(solve));
    await stores.finish(built.response);
    progress.end();
    reportWarnings(io.stderr, progress);
    if (flags.explain) reportExplanations(io.stderr, progress);
    await tell(context, flags, built);
    return 0;
  } catch (thrown) {
    progress.end();
    if (flags.explain) reportExplanations(io.stderr, progress);
    if (signal.aborted) throw signal.reason;
    if (!(thrown instanceof GrpcError)) throw thrown;
    if (!hasReported) report(context, thrown, progress);
    throw new ExitError(1, `ERROR: failed to build: failed to solve: ${thrown.message}`, thrown);
  }
}

interface Lending {
  readonly destinations: ReadonlyMap<number, Destination>;
  readonly stores: Stores;
  readonly dial: DialDirect | undefined;
}

/** What is lent only where a flag says so, or asked for in few builds, is loaded then: most clients end sooner than it is. */
async function lentServices(
  context: Context,
  { secret, ssh }: BuildFlags,
  { directories, input }: OpenContext,
  { destinations, stores, dial }: Lending,
): Promise<ServiceTable[]> {
  const { io } = context;
  const services = [healthService(), fileService(directories, dial)];
  services.push(
    lateService([PATHS.credentials, PATHS.fetchToken], async () =>
      (await import("./lend/credentials.ts")).credentialService(context.config),
    ),
  );
  if (secret.length === 0) {
    services.push(lateService([PATHS.secret], async () => (await import("./lend/secrets.ts")).secretService([], io)));
  } else {
    const { parseSecret, secretService } = await import("./lend/secrets.ts");
    services.push(secretService(secret.map(parseSecret), io));
  }
  if (ssh.length > 0) {
    const { agentService, agentsOf } = await import("./lend/agents.ts");
    services.push(agentService(agentsOf(ssh, io)));
  }
  if (stores.lent.size > 0) services.push((await import("./lend/content.ts")).contentService(stores.lent));
  if (destinations.size > 0) services.push((await import("./lend/outputs.ts")).outputService(destinations, io));
  if (input !== undefined) services.push(input.services);
  return services;
}

/** grpc.health.v1.HealthCheckResponse with the status SERVING. */
const SERVING = Uint8Array.of(0x08, 0x01);

function healthService(): ServiceTable {
  return bytesService(PATHS.health, async function* (requests) {
    for await (const _ of requests);
    yield frame(SERVING);
  });
}

function sessionNames(root: string | undefined): Omit<SessionNames, "takesDirect"> {
  const owner = `${hostname()}:${process.getuid?.() ?? ""}:${root ?? ""}`;
  return {
    id: randomUUID().replaceAll("-", ""),
    sharedKey: root === undefined ? "" : createHash("sha256").update(owner).digest("hex"),
  };
}

function showCheck({ io }: Context, { text, status }: CheckResult): number {
  io.stdout.print(text === "" ? "Check complete, no warnings found.\n" : text.replace(/^\n/, ""));
  if (text !== "") {
    const count = text.match(/^WARNING: /gm)?.length ?? 0;
    io.stderr.line(
      count === 1 ? "Check complete, 1 warning has been found!" : `Check complete, ${count} warnings have been found!`,
    );
  }
  return status;
}

/** What scripts wait for: the id on standard output and in files. */
async function tell({ io }: Context, flags: BuildFlags, { ref, response }: Built): Promise<void> {
  const id = response["containerimage.config.digest"] ?? response["containerimage.digest"] ?? "";
  if (flags["metadata-file"] !== "") {
    const metadata = {
      ...Object.fromEntries(Object.entries(response).map(decoded)),
      "buildx.build.ref": `default/default/${ref}`,
    };
    await writeBeside(resolve(io.cwd, flags["metadata-file"]), `${JSON.stringify(metadata, null, 2)}\n`);
  }
  if (flags.iidfile !== "") await writeBeside(resolve(io.cwd, flags.iidfile), id);
  if (flags.quiet && id !== "") io.stdout.line(id);
}

/** Values that are JSON come in base64. */
function decoded([name, value]: [string, string]): [string, unknown] {
  const text = Buffer.from(value, "base64").toString();
  if (!/^[A-Za-z0-9+/]+=*$/.test(value) || !text.startsWith("{")) return [name, value];
  try {
    return [name, JSON.parse(text)];
  } catch {
    return [name, value]; // it only looked like it
  }
}

/** Whole or not at all: a script that waits for the file reads all of it. */
async function writeBeside(path: string, text: string): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await writeFile(beside, text, { mode: 0o644, flag: "wx" });
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}

/** All but the last line. */
function report({ io }: Context, error: GrpcError, progress: Progress): void {
  reportWarnings(io.stderr, progress);
  reportFailure(io.stderr, error, progress);
}

function disposing(end: () => void): Disposable {
  return { [Symbol.dispose]: end };
}
