// `/token`: GET with Basic (or nothing) and POST in OAuth2's form (distribution: token/jwt, token/oauth). Answers with
// what of the asked scopes the caller may have; less than asked for is no error, the registry will say so.

import type { Call } from "../call.ts";
import { bytes, notAllowed, readBody } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { isRepositoryName } from "../names.ts";
import type { Accounts, Principal } from "./accounts.ts";
import { SERVICE, type SignedGrant, signToken, verifyToken } from "./jwt.ts";
import type { UserAccess } from "./user-access.ts";

const ACCESS_S = 300;
const REFRESH_S = 30 * 24 * 60 * 60;
const FORM_LIMIT = 64 * 1024;
const SCOPES_LIMIT = 50;

export async function token(call: Call, accounts: Accounts, access: UserAccess): Promise<void> {
  if (call.method === "GET") {
    const principal = await access.basic(call.request);
    const offline = call.query.get("offline_token") === "true";
    return answer(call, accounts, principal, call.query.getAll("scope"), offline);
  }
  if (call.method !== "POST") throw notAllowed();
  const tooLarge = () => new RegistryError(413, "UNSUPPORTED", "the form is too large");
  const form = new URLSearchParams(Buffer.from(await readBody(call, FORM_LIMIT, tooLarge)).toString());
  const principal = await byForm(call, accounts, access, form);
  return answer(call, accounts, principal, form.getAll("scope"), form.get("access_type") === "offline");
}

async function byForm(call: Call, accounts: Accounts, access: UserAccess, form: URLSearchParams): Promise<Principal> {
  call.who.claimed = form.get("username")?.slice(0, 64);
  switch (form.get("grant_type")) {
    case "password":
      return access.password(call.request, form.get("username") ?? "", form.get("password") ?? "");
    case "refresh_token": {
      const claims = verifyToken(form.get("refresh_token") ?? "", accounts.secret());
      const principal = claims?.use === "refresh" ? accounts.bySigned(claims.sub, claims.via) : undefined;
      if (principal?.account === undefined)
        throw new RegistryError(401, "UNAUTHORIZED", "the refresh token is not valid");
      return principal;
    }
    default:
      throw new RegistryError(400, "UNSUPPORTED", "grant_type must be password or refresh_token");
  }
}

function answer(call: Call, accounts: Accounts, who: Principal, scopes: readonly string[], offline: boolean): void {
  call.who.user = who.account?.name;
  const sign = (use: "access" | "refresh", access: SignedGrant[], seconds: number) => {
    const exp = Math.floor(Date.now() / 1000) + seconds;
    const [sub, via] = [who.account?.name ?? "", accounts.via(who)];
    return signToken({ iss: SERVICE, aud: SERVICE, sub, exp, via, use, access }, accounts.secret());
  };
  const value = sign("access", granted(accounts, who, scopes), ACCESS_S);
  const refresh = offline && who.account !== undefined ? { refresh_token: sign("refresh", [], REFRESH_S) } : {};
  const body = { token: value, access_token: value, expires_in: ACCESS_S, issued_at: new Date().toISOString() };
  bytes(call, 200, Buffer.from(JSON.stringify({ ...body, ...refresh })), {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
  });
}

/** `repository:NAME:pull,push`, several with blanks between them. What can't be read gives nothing. */
function granted(accounts: Accounts, principal: Principal, scopes: readonly string[]): SignedGrant[] {
  const asked = scopes.flatMap((scope) => scope.split(" ")).filter((scope) => scope !== "");
  if (asked.length > SCOPES_LIMIT) throw new RegistryError(400, "UNSUPPORTED", "too many scopes");
  return asked.flatMap((scope) => {
    const [, name, wanted] = /^repository:([^:]+):([a-z*,]+)$/.exec(scope) ?? [];
    if (name === undefined || wanted === undefined || !isRepositoryName(name)) return [];
    const words = wanted.split(",");
    const actions = accounts.actions(principal, name).filter((action) => words.includes(action) || words.includes("*"));
    return actions.length === 0 ? [] : [{ type: "repository", name, actions: [...actions] }];
  });
}
