// `build` by BuildKit's protocol, from its flags to its exit code.

import { createHash, randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { type ServiceTable, service } from "../../build/buildkit/grpc/service.ts";
import { GrpcError } from "../../build/buildkit/grpc/status.ts";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "../../build/buildkit/proto/gen/health_pb.ts";
import { ExitError } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { connectBuild, type SessionNames } from "./connection.ts";
import { type OpenContext, openContext } from "./context.ts";
import type { CheckResult } from "./drive.ts";
import type { BuildFlags } from "./flags.ts";
import { agentService, agentsOf } from "./lend/agents.ts";
import { contentService } from "./lend/content.ts";
import { credentialService } from "./lend/credentials.ts";
import { type DialDirect, directDial } from "./lend/direct.ts";
import { fileService } from "./lend/files.ts";
import { type Destination, outputService } from "./lend/outputs.ts";
import { parseSecret, secretService } from "./lend/secrets.ts";
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
  const services = lentServices(context, flags, opened, { destinations, stores, dial });
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

function lentServices(
  { io, config }: Context,
  flags: BuildFlags,
  { directories, input }: OpenContext,
  { destinations, stores, dial }: Lending,
): ServiceTable[] {
  return [
    service(Health, { check: async () => ({ status: Serving.SERVING }) }),
    fileService(directories, dial),
    credentialService(config),
    secretService(flags.secret.map(parseSecret), io),
    ...(flags.ssh.length === 0 ? [] : [agentService(agentsOf(flags.ssh, io))]),
    ...(stores.lent.size === 0 ? [] : [contentService(stores.lent)]),
    ...(destinations.size === 0 ? [] : [outputService(destinations, io)]),
    ...(input === undefined ? [] : [input.services]),
  ];
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
