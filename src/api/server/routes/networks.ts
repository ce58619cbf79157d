// /networks and /volumes.

import { HoyError } from "../../../base/error.ts";
import { parseFilters } from "../../filters.ts";
import { connectBody, disconnectBody, networkCreateBody } from "../bodies/network.ts";
import { volumeCreateBody } from "../bodies/other.ts";
import type { Call } from "../call.ts";
import { needJson, readJson } from "../json.ts";
import { sendEmpty, sendJson } from "../reply.ts";
import type { Route } from "../router.ts";

export const networkRoutes: readonly Route[] = [
  { method: "GET", path: "/networks", handler: list },
  { method: "GET", path: "/networks/", handler: list },
  { method: "POST", path: "/networks/create", handler: create },
  { method: "POST", path: "/networks/prune", handler: prune },
  { method: "GET", path: "/networks/{id}", handler: inspect },
  { method: "POST", path: "/networks/{id}/connect", handler: connect },
  { method: "POST", path: "/networks/{id}/disconnect", handler: disconnect },
  { method: "DELETE", path: "/networks/{id}", handler: remove },
];

async function list(call: Call): Promise<void> {
  sendJson(call, await call.backend.networks.list(parseFilters(call.query.text("filters"))));
}

async function inspect(call: Call): Promise<void> {
  const options = { verbose: call.query.bool("verbose"), scope: call.query.optional("scope") };
  sendJson(call, await call.backend.networks.inspect(call.param("id"), options));
}

async function create(call: Call): Promise<void> {
  const body = await needJson(call, networkCreateBody);
  if (!call.atLeast("1.48")) delete body.EnableIPv4;
  if ((body.Name ?? "") === "") throw new HoyError("invalid", "network name cannot be empty");
  sendJson(call, await call.backend.networks.create(body), 201);
}

async function connect(call: Call): Promise<void> {
  const body = await needJson(call, connectBody);
  await call.backend.networks.connect(call.param("id"), body.Container ?? "", body.EndpointConfig ?? {});
  sendEmpty(call, 200);
}

async function disconnect(call: Call): Promise<void> {
  const body = await needJson(call, disconnectBody);
  await call.backend.networks.disconnect(call.param("id"), body.Container ?? "", body.Force ?? false);
  sendEmpty(call, 200);
}

async function remove(call: Call): Promise<void> {
  await call.backend.networks.remove(call.param("id"));
  sendEmpty(call);
}

async function prune(call: Call): Promise<void> {
  const { deleted } = await call.backend.networks.prune(parseFilters(call.query.text("filters")));
  sendJson(call, { NetworksDeleted: deleted.length === 0 ? null : deleted });
}

export const volumeRoutes: readonly Route[] = [
  { method: "GET", path: "/volumes", handler: listVolumes },
  { method: "POST", path: "/volumes/create", handler: createVolume },
  { method: "POST", path: "/volumes/prune", handler: pruneVolumes },
  { method: "GET", path: "/volumes/{name*}", handler: inspectVolume },
  { method: "DELETE", path: "/volumes/{name*}", handler: removeVolume },
];

async function listVolumes(call: Call): Promise<void> {
  sendJson(call, await call.backend.volumes.list(parseFilters(call.query.text("filters"))));
}

async function inspectVolume(call: Call): Promise<void> {
  sendJson(call, await call.backend.volumes.inspect(call.param("name")));
}

async function createVolume(call: Call): Promise<void> {
  sendJson(call, await call.backend.volumes.create((await readJson(call, volumeCreateBody)) ?? {}), 201);
}

async function removeVolume(call: Call): Promise<void> {
  await call.backend.volumes.remove(call.param("name"), call.query.bool("force"));
  sendEmpty(call);
}

async function pruneVolumes(call: Call): Promise<void> {
  const filters = new Map(parseFilters(call.query.text("filters")));
  // Before 1.42 prune took named volumes as well; since then that is asked for by all=true.
  if (!call.atLeast("1.42")) filters.set("all", new Set(["true"]));
  const { deleted, spaceReclaimed } = await call.backend.volumes.prune(filters);
  sendJson(call, { VolumesDeleted: deleted, SpaceReclaimed: spaceReclaimed });
}
