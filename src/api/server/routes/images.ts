// /images, /commit and /distribution. References may hold slashes, so their part of the path is greedy and the
// longer patterns come first.

import { HoyError } from "../../../base/error.ts";
import { parseFilters } from "../../filters.ts";
import { registryAuth } from "../auth.ts";
import { containerConfig } from "../bodies/container.ts";
import type { Call } from "../call.ts";
import { readJson } from "../json.ts";
import { jsonPlatform } from "../platform.ts";
import { sendBytes, sendEmpty, sendJson, sendProgress } from "../reply.ts";
import type { Route } from "../router.ts";
import { shapeImage, shapeImageSummary } from "../versions.ts";

export const imageRoutes: readonly Route[] = [
  { method: "GET", path: "/images/json", handler: list },
  { method: "GET", path: "/images/search", handler: search },
  { method: "GET", path: "/images/get", handler: save },
  { method: "POST", path: "/images/load", handler: load },
  { method: "POST", path: "/images/create", handler: create },
  { method: "POST", path: "/images/prune", handler: prune },
  { method: "GET", path: "/images/{name*}/json", handler: inspect },
  { method: "GET", path: "/images/{name*}/history", handler: history },
  { method: "GET", path: "/images/{name*}/get", handler: save },
  { method: "GET", path: "/images/{name*}/attestations", handler: attestations },
  { method: "POST", path: "/images/{name*}/push", handler: push },
  { method: "POST", path: "/images/{name*}/tag", handler: tag },
  { method: "DELETE", path: "/images/{name*}", handler: remove },
  { method: "POST", path: "/commit", handler: commit },
  { method: "GET", path: "/distribution/{name*}/json", handler: distribution },
];

async function list(call: Call): Promise<void> {
  const filters = new Map(parseFilters(call.query.text("filters")));
  const reference = call.query.optional("filter");
  if (reference !== undefined && !call.atLeast("1.25")) {
    filters.set("reference", new Set([...(filters.get("reference") ?? []), reference]));
  }
  const found = await call.backend.images.list({
    all: call.query.bool("all"),
    digests: call.query.bool("digests"),
    sharedSize: call.atLeast("1.42") && call.query.bool("shared-size"),
    manifests: call.atLeast("1.47") && call.query.bool("manifests"),
    filters,
  });
  sendJson(
    call,
    found.map((each) => shapeImageSummary(each, call)),
  );
}

async function inspect(call: Call): Promise<void> {
  const manifests = call.atLeast("1.48") && call.query.bool("manifests");
  const platform = jsonPlatform(call, "1.49");
  if (manifests && platform !== undefined) {
    throw new HoyError("invalid", "conflicting options: manifests and platform options cannot both be set");
  }
  sendJson(call, shapeImage(await call.backend.images.inspect(call.param("name"), { manifests, platform }), call));
}

async function history(call: Call): Promise<void> {
  sendJson(call, await call.backend.images.history(call.param("name"), jsonPlatform(call, "1.48")));
}

async function attestations(): Promise<void> {
  throw new HoyError("not-implemented", "attestations of images are not served by this version");
}

/** Pull (fromImage) and import (fromSrc) are one route. */
async function create(call: Call): Promise<void> {
  const { query } = call;
  const platform = call.atLeast("1.32") ? query.optional("platform") : undefined;
  const image = query.optional("fromImage")?.replace(/:$/, ""); // "pull -a" of old clients leaves a colon
  if (image !== undefined) {
    const tag = query.optional("tag");
    const reference = tag === undefined ? image : `${image}${tag.includes(":") ? "@" : ":"}${tag}`;
    // No tag at all, neither in the name nor beside it: every tag of the repository, as Docker has it.
    const allTags = tag === undefined && !/[@:][^/]*$/.test(image);
    const options = { platform, auth: registryAuth(call), allTags };
    return sendProgress(call, await call.backend.images.pull(reference, options, call.signal));
  }
  const source = query.optional("fromSrc");
  if (source === undefined) throw new HoyError("invalid", "fromImage or fromSrc must be given");
  const options = {
    source,
    repo: query.optional("repo"),
    tag: query.optional("tag"),
    message: query.text("message"),
    changes: query.all("changes"),
    platform,
  };
  return sendProgress(call, await call.backend.images.import(options, call.body(), call.signal));
}

async function load(call: Call): Promise<void> {
  const options = { quiet: call.query.bool("quiet", true), platform: jsonPlatform(call, "1.48") };
  // Clients (docker-py) look for what is wrong with an archive in the answer's lines.
  await sendProgress(call, await call.backend.images.load(call.body(), options, call.signal), true);
}

async function save(call: Call): Promise<void> {
  const one = call.param("name");
  const names = one === "" ? call.query.all("names").flatMap((each) => each.split(",")) : [one];
  const wanted = names.filter((each) => each !== "");
  if (wanted.length === 0) throw new HoyError("invalid", "no image was named");
  const options = { platform: jsonPlatform(call, "1.48") };
  await sendBytes(call, "application/x-tar", await call.backend.images.save(wanted, options, call.signal));
}

async function push(call: Call): Promise<void> {
  const options = {
    tag: call.query.optional("tag"),
    platform: jsonPlatform(call, "1.46"),
    auth: registryAuth(call),
    // hoy's own; no client of docker's sends it.
    compression: call.query.optional("compression"),
  };
  await sendProgress(call, await call.backend.images.push(call.param("name"), options, call.signal));
}

async function tag(call: Call): Promise<void> {
  const repo = call.query.text("repo");
  if (repo === "") throw new HoyError("invalid", "invalid reference format");
  await call.backend.images.tag(call.param("name"), repo, call.query.optional("tag"));
  sendEmpty(call, 201);
}

async function remove(call: Call): Promise<void> {
  if (call.atLeast("1.50") && call.query.has("platforms")) {
    throw new HoyError(
      "not-implemented",
      "removing one platform of an image is not implemented by this version of hoy",
    );
  }
  const options = { force: call.query.bool("force"), prune: !call.query.bool("noprune") };
  sendJson(call, await call.backend.images.remove(call.param("name"), options));
}

async function prune(call: Call): Promise<void> {
  const { deleted, spaceReclaimed } = await call.backend.images.prune(parseFilters(call.query.text("filters")));
  sendJson(call, { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: spaceReclaimed });
}

async function search(call: Call): Promise<void> {
  const options = {
    limit: call.query.int("limit"),
    filters: parseFilters(call.query.text("filters")),
    auth: registryAuth(call),
  };
  sendJson(call, await call.backend.images.search(call.query.text("term"), options, call.signal));
}

async function commit(call: Call): Promise<void> {
  const { query } = call;
  const config = await readJson(call, containerConfig);
  const options = {
    container: query.text("container"),
    repo: query.optional("repo"),
    tag: query.optional("tag"),
    comment: query.text("comment"),
    author: query.text("author"),
    pause: query.bool("pause", true),
    changes: query.all("changes").flatMap((each) => each.split("\n")),
    config,
  };
  sendJson(call, await call.backend.images.commit(options, call.signal), 201);
}

async function distribution(call: Call): Promise<void> {
  sendJson(call, await call.backend.images.distribution(call.param("name"), registryAuth(call), call.signal));
}
