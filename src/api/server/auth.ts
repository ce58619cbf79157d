// X-Registry-Auth: base64url of a JSON object with the registry's credentials (moby registry/auth).

import { HoyError } from "../../base/error.ts";
import type { RegistryAuth } from "../backend.ts";
import { authBody } from "./bodies/other.ts";
import type { Call } from "./call.ts";
import { decode } from "./shape.ts";

const MAX_TEXT = 64 * 1024;

/**
 * Credentials of the header, or undefined when there are none (clients send "", "{}" and "null" too).
 * @throws HoyError "invalid"; the text itself, being a secret, is not repeated.
 */
export function registryAuth(call: Call): RegistryAuth | undefined {
  return decodeRegistryAuth(call.header("x-registry-auth"));
}

export function decodeRegistryAuth(header: string): RegistryAuth | undefined {
  if (header === "") return undefined;
  const bad = () => new HoyError("invalid", "invalid X-Registry-Auth header");
  // Padding and the ordinary alphabet are sent by some clients; both are taken.
  if (header.length > MAX_TEXT || !/^[A-Za-z0-9_+/-]*=*$/.test(header)) throw bad();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
  } catch {
    throw bad();
  }
  if (value === null) return undefined;
  let auth: RegistryAuth;
  try {
    auth = decode(value, authBody);
  } catch {
    throw bad();
  }
  return Object.values(auth).every((field) => field === "") ? undefined : auth;
}
