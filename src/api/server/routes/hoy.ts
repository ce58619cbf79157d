// /hoy/…: what hoy does and Docker does not. Under a name of our own, so that no later version of Docker's API can mean
// something else by it (docs/decisions/volumes.md).

import { networkRate, portChangeBody } from "../bodies/container.ts";
import type { Call } from "../call.ts";
import { needJson } from "../json.ts";
import { sendBytes, sendEmpty, sendJson } from "../reply.ts";
import type { Route } from "../router.ts";
import { archivePath, statHeader } from "./streams.ts";

export const hoyRoutes: readonly Route[] = [
  { method: "GET", path: "/hoy/build/cache-mounts", handler: listCacheMounts },
  { method: "GET", path: "/hoy/build/cache-mounts/archive", handler: exportCacheMount },
  { method: "PUT", path: "/hoy/build/cache-mounts/archive", handler: importCacheMount },
  { method: "POST", path: "/hoy/containers/{id}/ports", handler: changePorts },
  { method: "POST", path: "/hoy/gc", handler: collect },
  { method: "POST", path: "/hoy/containers/{id}/rate", handler: changeRate },
  { method: "GET", path: "/hoy/images/diff", handler: diffImages },
  { method: "GET", path: "/hoy/images/mounts", handler: listMounts },
  { method: "POST", path: "/hoy/images/mount", handler: mountImage },
  { method: "POST", path: "/hoy/images/unmount", handler: unmountImage },
  { method: "POST", path: "/hoy/images/verify", handler: verifyImage },
  { method: "POST", path: "/hoy/volumes/{name}/rename", handler: rename },
  { method: "POST", path: "/hoy/volumes/{name}/resize", handler: resizeVolume },
  { method: "POST", path: "/hoy/volumes/{name}/snapshot", handler: snapshot },
  { method: "POST", path: "/hoy/volumes/{name}/restore", handler: restore },
  { method: "HEAD", path: "/hoy/volumes/{name}/archive", handler: archiveStat },
  { method: "GET", path: "/hoy/volumes/{name}/archive", handler: archiveGet },
  { method: "PUT", path: "/hoy/volumes/{name}/archive", handler: archivePut },
];

async function listCacheMounts(call: Call): Promise<void> {
  sendJson(call, call.backend.build.cacheMounts());
}

/** `name` may hold slashes: it is often the path where it is mounted. */
async function exportCacheMount(call: Call): Promise<void> {
  const tar = call.backend.build.exportCacheMount(call.query.text("name"), call.signal);
  await sendBytes(call, "application/x-tar", tar);
}

async function importCacheMount(call: Call): Promise<void> {
  const options = { replace: call.query.bool("replace") };
  sendJson(call, await call.backend.build.importCacheMount(call.body(), options, call.signal), 201);
}

async function changePorts(call: Call): Promise<void> {
  await call.backend.containers.changePorts(call.param("id"), await needJson(call, portChangeBody));
  sendEmpty(call);
}

async function collect(call: Call): Promise<void> {
  const { query } = call;
  const options = {
    dryRun: query.bool("dryrun"),
    unusedFor: query.optional("unused-for"),
    keepStorage: query.int("keep-storage"),
  };
  sendJson(call, await call.backend.system.collect(options));
}

async function diffImages(call: Call): Promise<void> {
  const { query } = call;
  sendJson(call, await call.backend.images.diff(query.text("from"), query.text("to"), call.signal));
}

async function listMounts(call: Call): Promise<void> {
  sendJson(call, call.backend.images.mounts());
}

async function mountImage(call: Call): Promise<void> {
  const { query } = call;
  sendJson(call, await call.backend.images.mount(query.text("name"), query.optional("path")), 201);
}

/** `name`: an image, or the absolute path of a directory. */
async function unmountImage(call: Call): Promise<void> {
  const { query } = call;
  sendJson(call, await call.backend.images.unmount(query.text("name"), query.bool("force")));
}

async function verifyImage(call: Call): Promise<void> {
  sendJson(call, await call.backend.images.verify(call.query.text("name"), call.signal));
}

/** The body is the whole new rate; `{}` takes every limit away. */
async function changeRate(call: Call): Promise<void> {
  await call.backend.containers.changeRate(call.param("id"), await needJson(call, networkRate));
  sendEmpty(call);
}

async function rename(call: Call): Promise<void> {
  await call.backend.volumes.rename(call.param("name"), call.query.text("name"));
  sendEmpty(call);
}

async function resizeVolume(call: Call): Promise<void> {
  await call.backend.volumes.resize(call.param("name"), call.query.text("size"));
  sendEmpty(call);
}

async function snapshot(call: Call): Promise<void> {
  sendJson(call, await call.backend.volumes.snapshot(call.param("name"), call.query.text("name")), 201);
}

async function restore(call: Call): Promise<void> {
  await call.backend.volumes.restore(call.param("name"), call.query.text("from"));
  sendEmpty(call);
}

async function archiveStat(call: Call): Promise<void> {
  const stat = await call.backend.volumes.archiveStat(call.param("name"), archivePath(call));
  sendEmpty(call, 200, statHeader(stat));
}

async function archiveGet(call: Call): Promise<void> {
  const { stat, tar } = await call.backend.volumes.archiveGet(call.param("name"), archivePath(call), call.signal);
  await sendBytes(call, "application/x-tar", tar, statHeader(stat));
}

async function archivePut(call: Call): Promise<void> {
  const options = {
    path: archivePath(call),
    noOverwriteDirNonDir: call.query.bool("noOverwriteDirNonDir"),
    copyUidGid: false,
  };
  await call.backend.volumes.archivePut(call.param("name"), options, call.body(), call.signal);
  sendEmpty(call, 200);
}
