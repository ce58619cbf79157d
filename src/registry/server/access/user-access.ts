// Access by users: Basic, or a Bearer token from /token (distribution token spec). What a token allows was decided when
// it was issued; it is short-lived. Who may not see a repository is told no more of it than that it is not for them.

import type { IncomingMessage } from "node:http";
import type { Access, Need } from "../access.ts";
import { RegistryError } from "../errors.ts";
import { Guard } from "./guard.ts";
import { SERVICE, verifyToken } from "./jwt.ts";
import type { User, Users } from "./users.ts";

type Caller =
  | { readonly kind: "user"; readonly user: User | undefined }
  | { readonly kind: "token"; readonly user: User | undefined; allows(need: Need): boolean }
  | { readonly kind: "refused" };

export class UserAccess implements Access {
  readonly #users: Users;
  readonly #guard = new Guard();
  readonly #secure: boolean;

  constructor(users: Users, secure: boolean) {
    this.#users = users;
    this.#secure = secure;
  }

  async require(request: IncomingMessage, need: Need) {
    const caller = await this.#caller(request);
    if (caller.kind !== "refused" && this.#lets(caller, need)) return { user: caller.user?.name };
    // Signing in (again) may help, unless a name and password were just accepted: then the answer is no.
    if (caller.kind === "user" && caller.user !== undefined)
      throw new RegistryError(403, "DENIED", "requested access to the resource is denied");
    throw this.challenge(request, need);
  }

  async allows(request: IncomingMessage, need: Need): Promise<boolean> {
    const caller = await this.#caller(request);
    return caller.kind !== "refused" && this.#lets(caller, need);
  }

  async visible(request: IncomingMessage, names: readonly string[]): Promise<readonly string[]> {
    const caller = await this.#caller(request);
    if (caller.kind === "refused") return [];
    return names.filter((name) => this.#users.actions(caller.user, name).includes("pull"));
  }

  /** The user of a Basic header; undefined when there is none. @throws RegistryError for a wrong one. */
  async basicUser(request: IncomingMessage): Promise<User | undefined> {
    const [, encoded] = /^basic +(\S{1,4096})$/i.exec(request.headers.authorization ?? "") ?? [];
    if (encoded === undefined) return undefined;
    const text = Buffer.from(encoded, "base64").toString();
    const colon = text.indexOf(":");
    return this.password(request, text.slice(0, Math.max(0, colon)), text.slice(colon + 1));
  }

  /** @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS */
  async password(request: IncomingMessage, name: string, password: string): Promise<User> {
    const key = `${request.socket.remoteAddress ?? ""} ${name.slice(0, 64)}`;
    this.#guard.check(key);
    const user = await this.#users.verify(name, password);
    if (user !== undefined) return user;
    this.#guard.failed(key);
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

  #lets(caller: Exclude<Caller, { kind: "refused" }>, need: Need): boolean {
    if (caller.kind === "token") return caller.allows(need);
    // The base end-point is where clients learn that they can sign in.
    if (need.kind !== "repository") return caller.user !== undefined;
    return this.#users.actions(caller.user, need.name).includes(need.action);
  }

  async #caller(request: IncomingMessage): Promise<Caller> {
    const header = request.headers.authorization;
    if (header === undefined) return { kind: "user", user: undefined };
    const [, token] = /^bearer +(\S+)$/i.exec(header) ?? [];
    if (token === undefined) return this.#byPassword(request);
    const claims = verifyToken(token, this.#users.secret());
    if (claims?.use !== "access") return { kind: "refused" };
    const user = claims.sub === "" ? undefined : this.#users.user(claims.sub);
    // Removed since: its tokens end with it.
    if (claims.sub !== "" && user === undefined) return { kind: "refused" };
    return {
      kind: "token",
      user,
      allows: (need) =>
        need.kind !== "repository"
          ? true
          : claims.access.some(
              ({ type, name, actions }) => type === "repository" && name === need.name && actions.includes(need.action),
            ),
    };
  }

  async #byPassword(request: IncomingMessage): Promise<Caller> {
    try {
      const user = await this.basicUser(request);
      return user === undefined ? { kind: "refused" } : { kind: "user", user };
    } catch (error) {
      if (error instanceof RegistryError && error.status === 401) return { kind: "refused" };
      throw error;
    }
  }

  /** As the caller reached us: it may be by any of several names. */
  #realm(request: IncomingMessage): string {
    const host = request.headers.host ?? "";
    const safe = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : "localhost";
    return `${this.#secure ? "https" : "http"}://${safe}/token`;
  }
}
