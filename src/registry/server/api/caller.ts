// Who calls the API: by the cookie of a session, or by Basic or a token as in /v2/. Changes by cookie need the session's
// CSRF token; and a browser's request must come from a page of this very server, whoever it is from.

import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Accounts, Principal } from "../access/accounts.ts";
import { NOBODY } from "../access/accounts.ts";
import type { UserAccess } from "../access/user-access.ts";
import type { Action } from "../access.ts";
import { RegistryError } from "../errors.ts";
import { hasCsrf, type Session } from "./sessions.ts";

/** undefined without users: then everybody may do everything. */
export type People = { readonly accounts: Accounts; readonly access: UserAccess } | undefined;

export interface Caller {
  /** undefined: nobody in particular. */
  readonly user: string | undefined;
  readonly admin: boolean;
  readonly session: Session | undefined;
  actions(repository: string): readonly Action[];
  /** Whether they may change settings of what is under `owner`. */
  manages(owner: string): boolean;
}

const SAFE = ["GET", "HEAD"];
const ALL: readonly Action[] = ["pull", "push", "delete"];

/** @throws RegistryError UNAUTHORIZED for a wrong password or token, DENIED for a change that another site may have sent. */
export async function callerOf(request: IncomingMessage, people: People): Promise<Caller> {
  requireOwnPage(request, people === undefined);
  if (people === undefined)
    return { user: undefined, admin: true, session: undefined, actions: () => ALL, manages: () => true };
  const { accounts, access } = people;
  const session = request.headers.authorization === undefined ? accounts.sessions.find(request) : undefined;
  if (session !== undefined && !SAFE.includes(request.method ?? "") && !hasCsrf(request, session))
    throw new RegistryError(403, "DENIED", "the header X-CSRF-Token is missing or not the session's");
  const principal = session === undefined ? await access.principal(request) : ofSession(accounts, session);
  return {
    user: principal.account?.name,
    admin: principal.account?.admin ?? false,
    session,
    actions: (repository) => accounts.actions(principal, repository),
    manages: (owner) => accounts.manages(principal, owner),
  };
}

/** @throws RegistryError UNAUTHORIZED, DENIED; who may not even read is not told that it is there. */
export function requireAction(caller: Caller, repository: string, action: Action): void {
  const actions = caller.actions(repository);
  if (actions.includes(action)) return;
  if (caller.user === undefined) throw new RegistryError(401, "UNAUTHORIZED", "authentication required");
  if (actions.includes("pull")) throw new RegistryError(403, "DENIED", "requested access to the resource is denied");
  throw new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry");
}

function ofSession(accounts: Accounts, session: Session): Principal {
  const account = accounts.users.get(session.user);
  return account === undefined ? NOBODY : { account, token: undefined };
}

/**
 * Browsers say where a request comes from (Fetch standard: Origin, Sec-Fetch-Site); programs say nothing.
 * @param open Nobody signs in: then a name that was pointed to this address (DNS rebinding) must not get in either.
 */
export function requireOwnPage(request: IncomingMessage, open: boolean): void {
  const { origin, host = "", "sec-fetch-site": site } = request.headers;
  const foreign = () => new RegistryError(403, "DENIED", "requests from pages of other sites are refused");
  if (typeof site === "string" && site !== "same-origin" && site !== "none") throw foreign();
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) throw foreign();
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const browser = origin !== undefined || site !== undefined;
  const local = ["127.0.0.1", "::1", "::ffff:127.0.0.1"].includes(request.socket.localAddress ?? "");
  if (open && browser && local && name !== "localhost" && isIP(name) === 0) throw foreign();
}
