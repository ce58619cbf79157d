// The OCI process of an exec: the container's own (as its bundle has it), with what the request changes.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecCreateRequest } from "../../api/types/exec.ts";
import { HoyError } from "../../base/error.ts";
import type { OciProcess } from "../../runtime/oci.ts";
import { capabilitySets } from "../../runtime/spec/build.ts";
import { availableCapabilities } from "../../runtime/spec/facts.ts";
import { environmentOf } from "../../runtime/spec/process.ts";
import type { Container } from "../containers/container.ts";
import { linkVariables } from "../containers/links.ts";
import { containerUser } from "../containers/spec-input.ts";
import type { EngineContext } from "../context.ts";

/** @throws HoyError "invalid" for an unknown user. */
export async function execProcess(
  engine: EngineContext,
  container: Container,
  request: ExecCreateRequest,
): Promise<OciProcess> {
  const { spec } = container;
  const base = await containerProcess(container);
  const lowers = await engine.images.lowersOf(container.id);
  const user = await containerUser(container, lowers, request.User || spec.config.User || "");
  const tty = request.Tty ?? false;
  const own = [...linkVariables(spec, base.env ?? []), ...(spec.config.Env ?? [])];
  const config = { ...spec.config, Tty: tty, Env: overlay(own, request.Env ?? []) };
  const bounding = request.Privileged
    ? availableCapabilities(engine.facts, spec.idMap !== undefined)
    : (base.capabilities?.bounding ?? []);
  const { consoleSize: _, ...rest } = base;
  return {
    ...rest,
    terminal: tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: [...(request.Cmd ?? [])],
    env: environmentOf(config, user.home),
    cwd: request.WorkingDir || spec.config.WorkingDir || "/",
    capabilities: capabilitySets(bounding, user.uid),
    ...(request.Privileged && base.apparmorProfile !== undefined ? { apparmorProfile: "unconfined" } : {}),
  };
}

/** As the container was started: config.json is the one thing that a former engine's container has, too. */
async function containerProcess(container: Container): Promise<OciProcess> {
  const file = join(container.paths.bundle, "config.json");
  const config: unknown = JSON.parse(await readFile(file, "utf8"));
  if (typeof config === "object" && config !== null && "process" in config) return config.process as OciProcess;
  throw new HoyError("internal", `the bundle of container ${container.id} has no process`);
}

/** Later variables win; the place of the first stays. */
function overlay(base: readonly string[], more: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const entry of [...base, ...more]) byName.set(entry.split("=", 1)[0] ?? entry, entry);
  return [...byName.values()];
}
