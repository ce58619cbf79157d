// From a request to its end-point and back: finds the route, asks whether the caller may, and turns whatever is thrown
// into the spec's error answer, once. What a client caused is told to it; what is our fault goes to the log.

import type { IncomingMessage, ServerResponse } from "node:http";
import { log } from "../../base/log.ts";
import { token } from "./access/token.ts";
import type { Access, Action, Need } from "./access.ts";
import { addressKey, type Front } from "./address.ts";
import { api } from "./api/api.ts";
import type { People } from "./api/caller.ts";
import { type Audit, isAudited } from "./audit.ts";
import { type Call, json, notAllowed } from "./call.ts";
import { isFull, RegistryError } from "./errors.ts";
import type { Notifier } from "./events/notifier.ts";
import type { Handover } from "./handover.ts";
import type { Metrics } from "./metrics.ts";
import type { Overview } from "./overview.ts";
import { isPage, page } from "./page.ts";
import type { RateLimit } from "./policy/rate.ts";
import type { Rules } from "./policy/rules.ts";
import { parseRoute, type Route } from "./route.ts";
import { blob } from "./routes/blobs.ts";
import { catalog, referrers, tags } from "./routes/lists.ts";
import { manifest } from "./routes/manifests.ts";
import { startUpload, upload } from "./routes/uploads.ts";
import type { RegistryStorage } from "./storage.ts";

export interface HandlerOptions {
  readonly storage: RegistryStorage;
  readonly access: Access;
  /** With users there is `/token`. */
  readonly people: People;
  readonly overview: Overview;
  readonly rules: Rules;
  readonly front: Front;
  readonly handover: Handover | undefined;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly limits: { readonly address: RateLimit; readonly account: RateLimit };
  readonly audit: Audit | undefined;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A handler for node:http; it never rejects. */
export function registryHandler(options: HandlerOptions): Handler {
  const { storage, access, people, audit, front, limits, notifier, metrics } = options;
  return async (request, response) => {
    const { pathname, query } = target(request.url ?? "/");
    const address = front.address(request);
    const ended = metrics.begin();
    let kind = "none";
    const call: Call = {
      request,
      response,
      method: request.method ?? "GET",
      query,
      storage,
      access,
      who: { user: undefined, claimed: claimed(request) },
      address,
      notifier,
      metrics,
      handover: options.handover,
    };
    response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
    response.setHeader("X-Content-Type-Options", "nosniff");
    try {
      limits.address.take(addressKey(address));
      if (pathname === "/token" || pathname.startsWith("/api/")) kind = pathname === "/token" ? "token" : "api";
      if (pathname === "/token" && people !== undefined) return await token(call, people.accounts, people.access);
      if (pathname.startsWith("/api/")) return await api(call, pathname, options);
      if (isPage(pathname)) {
        kind = "page";
        return await page(call, pathname);
      }
      const route = parseRoute(pathname);
      if (route === undefined) throw new RegistryError(404, "UNSUPPORTED", "there is no such end-point");
      kind = route.kind;
      call.who.user = (await access.require(request, needOf(route, call.method))).user;
      if (call.who.user !== undefined) limits.account.take(call.who.user);
      await run(call, route);
    } catch (error) {
      fail(call, error);
    } finally {
      const { statusCode: status } = response;
      ended(call.method, kind, status);
      if (status === 401 || status === 403 || status === 429) metrics.add("refused_total");
      if (isAudited(call.method, status))
        audit?.write({
          user: call.who.user,
          claimed: call.who.user === undefined ? call.who.claimed : undefined,
          address,
          method: call.method,
          path: pathname,
          status,
        });
    }
  };
}

async function run(call: Call, route: Route): Promise<void> {
  switch (route.kind) {
    case "base":
      if (call.method !== "GET" && call.method !== "HEAD") throw notAllowed();
      return json(call, 200, {});
    case "catalog":
      return catalog(call);
    case "uploads":
      return startUpload(call, route.name);
    case "tags":
      return tags(call, route.name);
    case "upload":
      return upload(call, route.name, route.reference);
    case "blob":
      return blob(call, route.name, route.reference);
    case "manifest":
      return manifest(call, route.name, route.reference);
    case "referrers":
      return referrers(call, route.name, route.reference);
  }
}

/** What a request asks for. An upload's status and end belong to pushing, whatever the method. */
export function needOf(route: Route, method: string): Need {
  if (route.kind === "base" || route.kind === "catalog") return { kind: route.kind };
  const writing = route.kind === "uploads" || route.kind === "upload" || !["GET", "HEAD", "DELETE"].includes(method);
  const action: Action = writing ? "push" : method === "DELETE" ? "delete" : "pull";
  return { kind: "repository", name: route.name, action };
}

function fail(call: Call, error: unknown): void {
  const { request, response, method } = call;
  const known = error instanceof RegistryError ? error : internal(call, error);
  if (response.headersSent) {
    // Too late for an answer: the reader must not take what it has for whole.
    response.destroy();
    return;
  }
  const body = Buffer.from(known.body());
  // What is left of a body that nobody reads would be taken for the next request.
  const unread = request.complete ? {} : { Connection: "close" };
  response.writeHead(known.status, {
    ...unread,
    "Content-Type": "application/json",
    "Content-Length": body.length,
    ...known.headers,
  });
  response.end(method === "HEAD" ? undefined : body);
}

function internal({ request, method }: Call, cause: unknown): RegistryError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (isFull(code)) {
    log.error("the registry's disk is full", { method, url: request.url });
    return new RegistryError(507, "UNKNOWN", "the registry has no space left", { cause });
  }
  const gone = request.destroyed && !request.complete;
  if (!gone) log.error("registry request failed", { method, url: request.url, error: cause });
  return new RegistryError(500, "UNKNOWN", "unknown error", { cause });
}

/** The name that a Basic header gives, right or wrong: for the audit log. */
function claimed(request: IncomingMessage): string | undefined {
  const [, encoded] = /^basic +(\S{1,4096})$/i.exec(request.headers.authorization ?? "") ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString().split(":", 1)[0]?.slice(0, 64);
}

function target(url: string): { pathname: string; query: URLSearchParams } {
  const mark = url.indexOf("?");
  return {
    pathname: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
  };
}
