// `/token`: GET with Basic (or nothing) and POST in OAuth2's form (distribution: token/jwt, token/oauth). Answers with
// what of the asked scopes the caller may have; less than asked for is no error, the registry will say so.

import type { Call } from "../call.ts";
import { bytes, notAllowed, readBody } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { isRepositoryName } from "../names.ts";
import { type Grant, SERVICE, signToken, verifyToken } from "./jwt.ts";
import type { UserAccess } from "./user-access.ts";
import type { User, Users } from "./users.ts";

const ACCESS_S = 300;
const REFRESH_S = 30 * 24 * 60 * 60;
const FORM_LIMIT = 64 * 1024;
const SCOPES_LIMIT = 50;

export async function token(call: Call, users: Users, access: UserAccess): Promise<void> {
  if (call.method === "GET") {
    const user = await access.basicUser(call.request);
    return answer(call, users, user, call.query.getAll("scope"), call.query.get("offline_token") === "true");
  }
  if (call.method !== "POST") throw notAllowed();
  const tooLarge = () => new RegistryError(413, "UNSUPPORTED", "the form is too large");
  const form = new URLSearchParams(Buffer.from(await readBody(call, FORM_LIMIT, tooLarge)).toString());
  const user = await byForm(call, users, access, form);
  return answer(call, users, user, form.getAll("scope"), form.get("access_type") === "offline");
}

async function byForm(call: Call, users: Users, access: UserAccess, form: URLSearchParams): Promise<User> {
  switch (form.get("grant_type")) {
    case "password":
      return access.password(call.request, form.get("username") ?? "", form.get("password") ?? "");
    case "refresh_token": {
      const claims = verifyToken(form.get("refresh_token") ?? "", users.secret());
      const user = claims?.use === "refresh" ? users.user(claims.sub) : undefined;
      if (user === undefined) throw new RegistryError(401, "UNAUTHORIZED", "the refresh token is not valid");
      return user;
    }
    default:
      throw new RegistryError(400, "UNSUPPORTED", "grant_type must be password or refresh_token");
  }
}

function answer(call: Call, users: Users, user: User | undefined, scopes: readonly string[], offline: boolean): void {
  const value = accessToken(users, user, scopes, ACCESS_S);
  const refresh = offline && user !== undefined ? { refresh_token: sign(users, user, "refresh", [], REFRESH_S) } : {};
  const body = { token: value, access_token: value, expires_in: ACCESS_S, issued_at: new Date().toISOString() };
  bytes(call, 200, Buffer.from(JSON.stringify({ ...body, ...refresh })), {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
  });
}

/** A Bearer token for what of `scopes` the user may have, for `seconds` from now. */
export function accessToken(users: Users, user: User | undefined, scopes: readonly string[], seconds: number): string {
  return sign(users, user, "access", granted(users, user, scopes), seconds);
}

function sign(
  users: Users,
  user: User | undefined,
  use: "access" | "refresh",
  access: Grant[],
  seconds: number,
): string {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  return signToken({ iss: SERVICE, aud: SERVICE, sub: user?.name ?? "", exp, use, access }, users.secret());
}

/** `repository:NAME:pull,push`, several with blanks between them. What can't be read gives nothing. */
function granted(users: Users, user: User | undefined, scopes: readonly string[]): Grant[] {
  const asked = scopes.flatMap((scope) => scope.split(" ")).filter((scope) => scope !== "");
  if (asked.length > SCOPES_LIMIT) throw new RegistryError(400, "UNSUPPORTED", "too many scopes");
  return asked.flatMap((scope) => {
    const [, name, wanted] = /^repository:([^:]+):([a-z*,]+)$/.exec(scope) ?? [];
    if (name === undefined || wanted === undefined || !isRepositoryName(name)) return [];
    const words = wanted.split(",");
    const actions = users.actions(user, name).filter((action) => words.includes(action) || words.includes("*"));
    return actions.length === 0 ? [] : [{ type: "repository", name, actions: [...actions] }];
  });
}
