// /api/v1/session: GET says who one is, POST signs in, DELETE signs out.

import * as v from "valibot";
import { type Call, empty, json, notAllowed, readBody } from "../call.ts";
import { RegistryError } from "../errors.ts";
import type { Caller, People } from "./caller.ts";
import type { Session } from "./sessions.ts";

const FORM_LIMIT = 16 * 1024;
const form = v.strictObject({
  name: v.pipe(v.string(), v.maxLength(64)),
  password: v.pipe(v.string(), v.maxLength(1024)),
});
const PRIVATE = { "Cache-Control": "no-store" };

export async function session(call: Call, caller: Caller, people: People, secure: boolean): Promise<void> {
  switch (call.method) {
    case "GET":
      return json(call, 200, said(caller, people, caller.session), PRIVATE);
    case "POST":
      return signIn(call, people, secure);
    case "DELETE":
      if (people === undefined) throw noUsers();
      return empty(call, 204, { "Set-Cookie": people.accounts.sessions.close(call.request, secure) });
    default:
      throw notAllowed();
  }
}

async function signIn(call: Call, people: People, secure: boolean): Promise<void> {
  if (people === undefined) throw noUsers();
  const { name, password } = await readJsonBody(call, form, FORM_LIMIT);
  call.who.claimed = name;
  const { account, token } = await people.access.password(call.request, name, password);
  // A token may be narrowed; a session has all that its user has.
  if (account?.kind !== "user" || token !== undefined)
    throw new RegistryError(403, "DENIED", "sign in here with a user's password, not with a token");
  call.who.user = account.name;
  const opened = people.accounts.sessions.open(account.name, secure);
  const body = said({ user: account.name, admin: account.admin }, people, opened.session);
  json(call, 200, body, { ...PRIVATE, "Set-Cookie": opened.cookie });
}

function said({ user, admin }: Pick<Caller, "user" | "admin">, people: People, opened: Session | undefined) {
  return { users: people !== undefined, user: user ?? null, admin, csrfToken: opened?.csrf ?? null };
}

/** @throws RegistryError (400, 413, 415) */
export async function readJsonBody<T>(call: Call, schema: v.GenericSchema<unknown, T>, limit: number): Promise<T> {
  // No form of another site can send this type without asking first (CORS).
  if (!/^application\/json(?:;|$)/.test(call.request.headers["content-type"] ?? ""))
    throw new RegistryError(415, "UNSUPPORTED", "the body must be application/json");
  const tooLarge = () => new RegistryError(413, "UNSUPPORTED", "the body is too large");
  const bytes = await readBody(call, limit, tooLarge);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new RegistryError(400, "UNSUPPORTED", "the body is not JSON", { cause });
  }
  const read = v.safeParse(schema, value);
  if (!read.success) throw new RegistryError(400, "UNSUPPORTED", `the body is not right: ${read.issues[0]?.message}`);
  return read.output;
}

function noUsers(): RegistryError {
  return new RegistryError(405, "UNSUPPORTED", "this registry runs without users (--users)");
}
