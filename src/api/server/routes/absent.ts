// Routes of Docker's API that this engine has nothing behind: each says so, in Docker's words where it has some.
// A client then tells its user what is missing, instead of "page not found".

import { HoyError } from "../../../base/error.ts";
import type { Call } from "../call.ts";
import { sendJson } from "../reply.ts";
import type { Handler, Route } from "../router.ts";

type Method = Route["method"];

/** Docker's own answer of an engine that is in no swarm (moby daemon/cluster/errors.go). */
const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

const noManager: Handler = async () => {
  throw new HoyError("unavailable", NO_MANAGER);
};

/** To tell this engine to become a manager by what it just refused would lead in a circle. */
const neverManager: Handler = async () => {
  throw new HoyError("unavailable", "This node is not a swarm manager and can't become one: hoy has no swarm mode");
};

const noPlugins: Handler = async () => {
  throw new HoyError("unavailable", "this engine takes no plugins");
};

const notServed =
  (what: string): Handler =>
  async () => {
    throw new HoyError("not-implemented", `${what} not implemented by this version of hoy`);
  };

const routes = (handler: Handler, paths: readonly (readonly [Method, string])[]): Route[] =>
  paths.map(([method, path]) => ({ method, path, handler }));

/** The kinds of things that swarm managers keep, all with the same verbs. */
function managed(kind: string, extra: readonly (readonly [Method, string])[] = []): Route[] {
  return routes(noManager, [
    ["GET", `/${kind}`],
    ["POST", `/${kind}/create`],
    ["GET", `/${kind}/{id}`],
    ["POST", `/${kind}/{id}/update`],
    ["DELETE", `/${kind}/{id}`],
    ...extra,
  ]);
}

export const absentRoutes: readonly Route[] = [
  ...managed("services", [["GET", "/services/{id}/logs"]]),
  ...managed("nodes"),
  ...managed("secrets"),
  ...managed("configs"),
  ...routes(noManager, [
    ["GET", "/swarm"],
    ["POST", "/swarm/update"],
    ["GET", "/swarm/unlockkey"],
    ["POST", "/swarm/unlock"],
    ["GET", "/tasks"],
    ["GET", "/tasks/{id}"],
    ["GET", "/tasks/{id}/logs"],
    ["PUT", "/volumes/{name*}"],
  ]),
  ...routes(neverManager, [
    ["POST", "/swarm/init"],
    ["POST", "/swarm/join"],
  ]),
  { method: "POST", path: "/swarm/leave", handler: leave },
  { method: "GET", path: "/plugins", handler: async (call) => sendJson(call, []) },
  { method: "GET", path: "/plugins/{name*}/json", handler: noPlugin },
  { method: "DELETE", path: "/plugins/{name*}", handler: noPlugin },
  ...routes(noPlugin, [
    ["POST", "/plugins/{name*}/enable"],
    ["POST", "/plugins/{name*}/disable"],
    ["POST", "/plugins/{name*}/upgrade"],
    ["POST", "/plugins/{name*}/push"],
    ["POST", "/plugins/{name*}/set"],
  ]),
  ...routes(noPlugins, [
    ["GET", "/plugins/privileges"],
    ["POST", "/plugins/pull"],
    ["POST", "/plugins/create"],
  ]),
  ...routes(notServed("checkpoints are"), [
    ["GET", "/containers/{id}/checkpoints"],
    ["POST", "/containers/{id}/checkpoints"],
    ["DELETE", "/containers/{id}/checkpoints/{checkpoint}"],
  ]),
];

async function leave(): Promise<void> {
  throw new HoyError("unavailable", "This node is not part of a swarm");
}

async function noPlugin(call: Call): Promise<void> {
  throw new HoyError("not-found", `plugin ${JSON.stringify(call.param("name"))} not found`);
}
