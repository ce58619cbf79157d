// /grpc and /session: connections that a client of a build opens and that are taken over. On the one the client calls
// the engine, on the other the engine calls the client; both speak HTTP/2 (moby, api/server/router/grpc and session). Our
// own client may give contents of files on a third.

import type { Duplex } from "node:stream";
import { HoyError } from "../../../base/error.ts";
import type { Call } from "../call.ts";
import { detach } from "../hijack.ts";
import type { BuildkitDoor } from "../options.ts";
import type { Route } from "../router.ts";

export const buildkitRoutes: readonly Route[] = [
  { method: "POST", path: "/grpc", handler: grpc, hijack: true },
  { method: "POST", path: "/session", handler: session, hijack: true },
];

async function grpc(call: Call): Promise<void> {
  doorOf(call, HTTP2);
  call.parts.options.http2(upgraded(call));
}

async function session(call: Call): Promise<void> {
  const door = doorOf(call, [...HTTP2, FILES]);
  const { rawHeaders } = call.request;
  door.checkSession(rawHeaders);
  door.openSession(upgraded(call), rawHeaders);
}

const HTTP2 = ["h2c"];
/** Our own clients' second connection of a session, for contents of files: see src/build/buildkit/session/direct.ts. */
const FILES = "hoy-files";

/** @throws HoyError as Docker says it. */
function doorOf(call: Call, protocols: readonly string[]): BuildkitDoor {
  const { buildkit } = call.parts.options;
  if (buildkit === undefined) throw new HoyError("not-implemented", "this engine does not serve BuildKit's API");
  const protocol = call.header("upgrade");
  if (protocol === "") throw new HoyError("invalid", "no upgrade proto in request");
  if (!protocols.includes(protocol)) throw new HoyError("invalid", `protocol ${protocol.slice(0, 40)} not supported`);
  return buildkit;
}

function upgraded(call: Call): Duplex {
  const socket = detach(call, ["HTTP/1.1 101 UPGRADED", "Connection: Upgrade", `Upgrade: ${call.header("upgrade")}`]);
  const { early } = call.parts;
  if (early.length > 0) socket.unshift(early);
  // Neither protocol has a use for half a connection, and a client that was killed says nothing else: its builds end with it.
  socket.once("end", () => socket.destroy());
  return socket;
}
