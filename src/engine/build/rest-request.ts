// POST /build with version 2 and a client's session: its parameters as the Dockerfile frontend's attributes, as moby
// translates them (builder/builder-next, Build), and what happens as lines that docker's client takes apart.

import type { BuildRequest, ProgressMessage } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import type { RestBuild, RestProgress } from "../../build/buildkit/rest.ts";

/** @throws HoyError "invalid" for outputs that can't be read. */
export function restRequest(request: BuildRequest): RestBuild {
  const { dockerfile, target, platform, networkMode, shmSize, cgroupParent, cacheFrom, extraHosts, remote } = request;
  const args = Object.entries(request.buildArgs).flatMap(([name, value]) =>
    value === null ? [] : [[`build-arg:${name}`, value] as const],
  );
  const labels = Object.entries(request.labels).map(([name, value]) => [`label:${name}`, value] as const);
  const ulimits = request.ulimits.map(({ Name = "", Soft = 0, Hard = 0 }) => `${Name}=${Soft}:${Hard}`);
  const said = {
    target,
    filename: dockerfile === "." ? "" : dockerfile,
    context: remote === "client-session" ? "" : remote,
    platform: platform ?? "",
    "cache-from": cacheFrom.join(","),
    "force-network-mode": networkMode === "host" || networkMode === "none" ? networkMode : "",
    "add-hosts": extraHosts.map((host) => host.replace(/^([^:=]+):/, "$1=")).join(","),
    "shm-size": shmSize === 0 ? "" : String(shmSize),
    ulimit: ulimits.join(","),
    "cgroup-parent": cgroupParent,
  };
  return {
    ref: request.buildId || newId(),
    session: request.session,
    attrs: {
      ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== "")),
      ...Object.fromEntries([...args, ...labels]),
      ...(request.noCache ? { "no-cache": "" } : {}),
      "image-resolve-mode": request.pull ? "pull" : "default",
    },
    outputs: outputsOf(request),
  };
}

export function restMessage(progress: RestProgress): ProgressMessage {
  if ("image" in progress) return { id: "moby.image.id", aux: { ID: progress.image } };
  return { id: "moby.buildkit.trace", aux: Buffer.from(progress.trace).toString("base64") };
}

/** Images carry the names; files go to the client over its session. */
function outputsOf({ outputs, tags }: BuildRequest): RestBuild["outputs"] {
  const name = tags.join(",");
  if (outputs === "" || outputs === "null" || outputs === "[]") return [{ type: "moby", attrs: { name } }];
  let given: unknown;
  try {
    given = JSON.parse(outputs);
  } catch (cause) {
    throw new HoyError("invalid", 'invalid value for "outputs": not JSON', { cause });
  }
  if (!Array.isArray(given)) throw new HoyError("invalid", 'invalid value for "outputs": a list was expected');
  return given.map((output: unknown) => {
    const { Type, Attrs } = (output ?? {}) as { Type?: unknown; Attrs?: unknown };
    const attrs = Object.entries(Attrs ?? {});
    if (typeof Type !== "string" || attrs.some(([, value]) => typeof value !== "string")) {
      throw new HoyError("invalid", 'invalid value for "outputs": Type and Attrs are texts');
    }
    const isImage = Type === "moby" || Type === "image";
    return {
      type: Type,
      attrs: { ...(isImage ? { name } : {}), ...(Object.fromEntries(attrs) as Record<string, string>) },
    };
  });
}
