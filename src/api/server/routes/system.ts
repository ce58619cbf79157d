// The engine itself: ping, version, info, events, disk usage, login, the build cache.

import { HoyError } from "../../../base/error.ts";
import { parseFilters } from "../../filters.ts";
import { authBody } from "../bodies/other.ts";
import type { Call } from "../call.ts";
import { needJson } from "../json.ts";
import { sendJson, sendLines, sendText } from "../reply.ts";
import type { Route } from "../router.ts";
import { shapeDiskUsage, shapeEvent, shapeInfo } from "../versions.ts";

export const systemRoutes: readonly Route[] = [
  { method: "GET", path: "/_ping", handler: ping },
  { method: "HEAD", path: "/_ping", handler: ping },
  { method: "GET", path: "/version", handler: version },
  { method: "GET", path: "/info", handler: info },
  { method: "GET", path: "/events", handler: events },
  { method: "GET", path: "/system/df", handler: diskUsage },
  { method: "POST", path: "/auth", handler: auth },
  { method: "POST", path: "/build/prune", handler: buildPrune },
];

async function ping(call: Call): Promise<void> {
  sendText(call, 200, "text/plain; charset=utf-8", "OK", {
    "Builder-Version": call.parts.options.builderVersion,
    Swarm: "inactive",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    Pragma: "no-cache",
  });
}

async function version(call: Call): Promise<void> {
  sendJson(call, await call.backend.system.version());
}

async function info(call: Call): Promise<void> {
  sendJson(call, shapeInfo(await call.backend.system.info(), call));
}

async function events(call: Call): Promise<void> {
  const since = call.query.time("since");
  const until = call.query.time("until");
  if (since !== undefined && until !== undefined && Number(since) > Number(until)) {
    throw new HoyError("invalid", `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }
  const filters = parseFilters(call.query.text("filters"));
  const source = await call.backend.system.events({ since, until, filters }, call.signal);
  async function* shaped() {
    for await (const event of source) {
      const shaped = shapeEvent(event, call);
      if (shaped !== undefined) yield shaped;
    }
  }
  call.parts.endless();
  await sendLines(call, shaped());
}

const USAGE = ["container", "image", "volume", "build-cache"] as const;

async function diskUsage(call: Call): Promise<void> {
  const asked = call.atLeast("1.42") ? call.query.all("type") : [];
  const types = new Set<(typeof USAGE)[number]>();
  for (const name of asked) {
    const known = USAGE.find((each) => each === name);
    if (known === undefined) throw new HoyError("invalid", `unknown object type: ${name.slice(0, 40)}`);
    types.add(known);
  }
  if (types.size === 0) for (const each of USAGE) types.add(each);
  sendJson(call, shapeDiskUsage(await call.backend.system.diskUsage(types), call));
}

async function auth(call: Call): Promise<void> {
  sendJson(call, await call.backend.system.auth(await needJson(call, authBody)));
}

async function buildPrune(call: Call): Promise<void> {
  const keepStorage = call.query.int("reserved-space") ?? call.query.int("keep-storage");
  const report = await call.backend.system.buildPrune({
    all: call.query.bool("all"),
    keepStorage,
    maxUsedSpace: call.query.int("max-used-space"),
    minFreeSpace: call.query.int("min-free-space"),
    filters: parseFilters(call.query.text("filters")),
  });
  sendJson(call, { CachesDeleted: report.deleted, SpaceReclaimed: report.spaceReclaimed });
}
