// POST /containers/create as `run` and `create` do it: pull first when asked, pull and try again when the image is not
// here, keep the id in --cidfile, show the engine's warnings.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { DaemonError } from "../../../api/client/errors.ts";
import type { ContainerCreateResponse } from "../../../api/types/container.ts";
import {
  familiarString,
  imageIdentifier,
  parseReference,
  tryParseReference,
  withDefaultTag,
} from "../../../image/reference.ts";
import { refuseContentTrust } from "../../base/content-trust.ts";
import { ExitError, UsageError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import type { Call, Context } from "../../command.ts";
import { buildContainerSpec, type ContainerSpec } from "../../run/config.ts";
import { openFailure } from "../../run/environment.ts";
import type { ContainerFlags } from "../../run/flags.ts";
import { consoleSize } from "../../stream/terminal.ts";
import { pullImage } from "../image/pull-image.ts";

/** The spec that a call of `run` or `create` asks for. @throws UsageError */
export function specOf({ io, config, engine }: Context, call: Call<ContainerFlags>): ContainerSpec {
  const { flags, changed } = call;
  checkPull(flags.pull);
  refuseContentTrust(flags["disable-content-trust"]);
  checkWindowsOnly(changed);
  if (flags["use-api-socket"])
    throw new UsageError("--use-api-socket is not supported: mount the engine's socket with -v instead");
  const [image = "", ...command] = call.args;
  const given = new Set(flags.env.map((entry) => cut(entry, "=")[0]));
  return buildContainerSpec({
    image,
    command,
    flags,
    changed,
    cwd: io.cwd,
    environment: io.env,
    proxies: config.data.proxies === undefined ? new Map() : config.proxies(engine.endpoint.text, given),
    consoleSize: consoleSize(io),
  });
}

/** @throws ExitError in docker's words: these ask for what only that system has. */
function checkWindowsOnly(changed: ReadonlySet<string>): void {
  const name = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"].find((each) => changed.has(each));
  if (name !== undefined)
    throw new ExitError(
      1,
      `"--${name}" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux`,
    );
}

function checkPull(text: string): void {
  if (!["always", "missing", "never", ""].includes(text))
    throw new UsageError(`invalid pull option: '${text}': must be one of "always", "missing" or "never"`);
}

/** Creates it; the id. @throws DaemonError, ExitError */
export async function createContainer(
  context: Context,
  call: Call<ContainerFlags>,
  spec: ContainerSpec,
): Promise<string> {
  const { io } = context;
  const { flags } = call;
  const [image = ""] = call.args;
  using cidFile = openCidFile(io.cwd, flags.cidfile);
  for (const address of flags.dns)
    if (isLoopback(address)) io.stderr.line(`WARNING: Localhost DNS (${address}) may fail in containers.`);
  // A name that can't be one asks the engine nothing; what may be an id is looked up there.
  if (imageIdentifier(image) === undefined) parseReference(image);
  if (flags.pull === "always") await pullForRun(context, image, flags);
  let created: ContainerCreateResponse;
  try {
    created = await request(context, flags, spec);
  } catch (thrown) {
    const missing = thrown instanceof DaemonError && thrown.answered === 404 && flags.pull === "missing";
    const reference = tryParseReference(image);
    if (!missing || reference === undefined) throw thrown;
    if (!flags.quiet) io.stderr.line(`Unable to find image '${familiarString(withDefaultTag(reference))}' locally`);
    await pullForRun(context, image, flags);
    created = await request(context, flags, spec);
  }
  for (const warning of created.Warnings ?? []) io.stderr.line(`WARNING: ${warning}`);
  cidFile?.write(created.Id);
  return created.Id;
}

/** A resolver on the host's loopback is not the container's. */
const isLoopback = (address: string) => /^127\.|^::1$/.test(address);

type RunFlags = Call<ContainerFlags>["flags"];

async function pullForRun(context: Context, image: string, flags: RunFlags): Promise<void> {
  await pullImage(context, image, {
    platform: flags.platform,
    out: context.io.stderr,
    quiet: flags.quiet,
  });
}

function request({ engine }: Context, flags: RunFlags, spec: ContainerSpec): Promise<ContainerCreateResponse> {
  return engine.json("POST", "/containers/create", {
    query: { name: flags.name || undefined, platform: flags.platform || undefined },
    json: { ...spec.config, HostConfig: spec.hostConfig, NetworkingConfig: spec.networkingConfig },
  });
}

interface CidFile extends Disposable {
  write(id: string): void;
}

/** Made before the container, so that one is never made whose id can't be kept; gone again when none was made. */
function openCidFile(cwd: string, path: string): CidFile | undefined {
  if (path === "") return undefined;
  const file = resolve(cwd, path);
  if (existsSync(file))
    throw new ExitError(1, `container ID file found, make sure the other container isn't running or delete ${path}`);
  try {
    writeFileSync(file, "", { flag: "wx" });
  } catch (thrown) {
    throw new ExitError(1, `failed to create the container ID file: ${openFailure(path, thrown)}`);
  }
  let written = false;
  return {
    write(id) {
      writeFileSync(file, id);
      written = true;
    },
    [Symbol.dispose]() {
      if (!written) rmSync(file, { force: true });
    },
  };
}
