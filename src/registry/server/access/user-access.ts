// Access by accounts: Basic with a password or a token, Bearer with a token, or with a signed one from /token
// (distribution token spec). What a signed token allows was decided when it was issued; it is short-lived. Who may not
// see a repository is told no more of it than that it is not for them.

import type { IncomingMessage } from "node:http";
import type { Access, Need } from "../access.ts";
import { addressKey, type Front } from "../address.ts";
import { RegistryError } from "../errors.ts";
import { type Accounts, NOBODY, type Principal } from "./accounts.ts";
import { Guard } from "./guard.ts";
import { type Claims, SERVICE, verifyToken } from "./jwt.ts";
import { looksLikeToken } from "./tokens.ts";

/** `signed`: narrowed to what a token of /token says. */
interface Caller {
  readonly principal: Principal;
  readonly signed: Claims | undefined;
}

export class UserAccess implements Access {
  readonly #accounts: Accounts;
  readonly #guard = new Guard();
  readonly #front: Front;

  constructor(accounts: Accounts, front: Front) {
    this.#accounts = accounts;
    this.#front = front;
  }

  async require(request: IncomingMessage, need: Need) {
    const caller = await this.#caller(request);
    if (caller !== undefined && this.#lets(caller, need)) return { user: caller.principal.account?.name };
    // Signing in (again) may help, unless a name and password were just accepted: then the answer is no.
    if (caller?.principal.account !== undefined && caller.signed === undefined)
      throw new RegistryError(403, "DENIED", "requested access to the resource is denied");
    throw this.challenge(request, need);
  }

  async allows(request: IncomingMessage, need: Need): Promise<boolean> {
    const caller = await this.#caller(request);
    return caller !== undefined && this.#lets(caller, need);
  }

  async visible(request: IncomingMessage, names: readonly string[]): Promise<readonly string[]> {
    const caller = await this.#caller(request);
    if (caller === undefined) return [];
    return names.filter((name) => this.#accounts.actions(caller.principal, name).includes("pull"));
  }

  /** For what has no repository's name; a signed token, which is for /v2/, is not enough. @throws RegistryError */
  async principal(request: IncomingMessage): Promise<Principal> {
    const caller = await this.#caller(request);
    if (caller === undefined || caller.signed !== undefined)
      throw new RegistryError(401, "UNAUTHORIZED", "authentication required");
    return caller.principal;
  }

  /** Of a Basic header; NOBODY when there is none. @throws RegistryError for a wrong one. */
  async basic(request: IncomingMessage): Promise<Principal> {
    const [, encoded] = /^basic +(\S{1,4096})$/i.exec(request.headers.authorization ?? "") ?? [];
    if (encoded === undefined) return NOBODY;
    const text = Buffer.from(encoded, "base64").toString();
    const colon = text.indexOf(":");
    return this.password(request, text.slice(0, Math.max(0, colon)), text.slice(colon + 1));
  }

  /** @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS */
  async password(request: IncomingMessage, name: string, password: string): Promise<Principal> {
    const verify = () => this.#accounts.verify(name, password);
    // Nobody guesses 256 random bits: a token neither costs nor counts.
    const principal = looksLikeToken(password)
      ? await verify()
      : await this.#guard.attempt(addressKey(this.#front.address(request)), name.slice(0, 64), verify);
    if (principal !== undefined) return principal;
    throw new RegistryError(401, "UNAUTHORIZED", "incorrect username or password");
  }

  challenge(request: IncomingMessage, need: Need): RegistryError {
    const scope =
      need.kind === "repository"
        ? `,scope="repository:${need.name}:${need.action === "push" ? "pull,push" : need.action}"`
        : need.kind === "catalog"
          ? ',scope="registry:catalog:*"'
          : "";
    return new RegistryError(401, "UNAUTHORIZED", "authentication required", {
      headers: {
        "WWW-Authenticate": `Bearer realm="${this.#realm(request)}",service="${SERVICE}"${scope}`,
      },
    });
  }

  #lets({ principal, signed }: Caller, need: Need): boolean {
    // The base end-point is where clients learn that they can sign in.
    if (need.kind !== "repository") return signed !== undefined || principal.account !== undefined;
    if (signed === undefined) return this.#accounts.actions(principal, need.name).includes(need.action);
    return signed.access.some(
      ({ type, name, actions }) => type === "repository" && name === need.name && actions.includes(need.action),
    );
  }

  /** undefined: what was shown is not right. */
  async #caller(request: IncomingMessage): Promise<Caller | undefined> {
    const header = request.headers.authorization;
    if (header === undefined) return { principal: NOBODY, signed: undefined };
    const [, text] = /^bearer +(\S+)$/i.exec(header) ?? [];
    if (text === undefined) return this.#byPassword(request);
    if (looksLikeToken(text)) {
      const principal = this.#accounts.byToken(text);
      return principal === undefined ? undefined : { principal, signed: undefined };
    }
    const signed = verifyToken(text, this.#accounts.secret());
    if (signed?.use !== "access") return undefined;
    const principal = this.#accounts.bySigned(signed.sub, signed.via);
    return principal === undefined ? undefined : { principal, signed };
  }

  async #byPassword(request: IncomingMessage): Promise<Caller | undefined> {
    try {
      const principal = await this.basic(request);
      return principal.account === undefined ? undefined : { principal, signed: undefined };
    } catch (error) {
      if (error instanceof RegistryError && error.status === 401) return undefined;
      throw error;
    }
  }

  /** As the caller reached us: it may be by any of several names. */
  #realm(request: IncomingMessage): string {
    const host = request.headers.host ?? "";
    const safe = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : "localhost";
    return `${this.#front.secure(request) ? "https" : "http"}://${safe}/token`;
  }
}
