// Keeps web pages away from a TCP port of the engine. A page may send requests to any address its visitor can reach,
// and by rebinding a name it owns (DNS) may read the answers too; whoever may speak to this API is root. No client of
// the API is a browser, so what only browsers send is refused. Unix sockets can't be reached by a page.

import type { IncomingMessage } from "node:http";
import { HoyError } from "../../base/error.ts";

/** Sent by browsers by themselves; scripts in a page can't take them off. */
const MARKS = ["origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

/** @throws HoyError "forbidden" for a request that a browser made. */
export function refuseBrowsers(request: IncomingMessage): void {
  const mark = MARKS.find((name) => request.headers[name] !== undefined);
  const agent = request.headers["user-agent"] ?? "";
  if (mark === undefined && !agent.startsWith("Mozilla/")) return;
  throw new HoyError("forbidden", "requests from web browsers are not served");
}
