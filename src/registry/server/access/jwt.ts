// Tokens of the distribution token spec (token/jwt): a JWT that says who, and what they may do. Signed with HS256, as the
// registry that issues them is the only one that reads them. Only this one algorithm and these claims are accepted.

import { createHmac, timingSafeEqual } from "node:crypto";
import * as v from "valibot";

export const SERVICE = "hoy-registry";

const claimsSchema = v.object({
  iss: v.literal(SERVICE),
  aud: v.literal(SERVICE),
  /** "" is nobody in particular. */
  sub: v.string(),
  /** Seconds since the epoch. */
  exp: v.number(),
  /** What it was made from: a token's id, or the stamp of a user's password; "" for nobody. It ends when that does. */
  via: v.string(),
  use: v.picklist(["access", "refresh"]),
  access: v.array(v.object({ type: v.string(), name: v.string(), actions: v.array(v.string()) })),
});

export type Claims = v.InferOutput<typeof claimsSchema>;
export type SignedGrant = Claims["access"][number];

const TOKEN_LIMIT = 64 * 1024;
const HEADER = encode({ alg: "HS256", typ: "JWT" });

export function signToken(claims: Claims, secret: Uint8Array): string {
  const text = `${HEADER}.${encode(claims)}`;
  return `${text}.${signature(text, secret).toString("base64url")}`;
}

/** undefined: not ours, changed, or past its time. */
export function verifyToken(token: string, secret: Uint8Array, now = Date.now()): Claims | undefined {
  if (token.length > TOKEN_LIMIT) return undefined;
  const [header, payload, given, rest] = token.split(".");
  if (header !== HEADER || payload === undefined || given === undefined || rest !== undefined) return undefined;
  const right = signature(`${header}.${payload}`, secret);
  const bytes = Buffer.from(given, "base64url");
  if (bytes.length !== right.length || !timingSafeEqual(bytes, right)) return undefined;
  const claims = v.safeParse(claimsSchema, JSON.parse(Buffer.from(payload, "base64url").toString()));
  return claims.success && claims.output.exp * 1000 > now ? claims.output : undefined;
}

function signature(text: string, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(text).digest();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
