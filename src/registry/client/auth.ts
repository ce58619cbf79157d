// Getting let in: Basic, and Bearer tokens by GET or by OAuth2 (distribution spec: token/jwt, token/oauth).
// Anonymous first: credentials are sent only to whom the registry's own challenge names, and only over TLS unless the
// registry was called insecure. Tokens are kept by what they allow until shortly before they end. Nothing is logged.

import type { RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { boundedText, refusal } from "./errors.ts";
import { type HttpOptions, send } from "./http.ts";

interface Token {
  readonly value: string;
  /** ms since the epoch. */
  readonly ends: number;
}

const DEFAULT_LIFE_S = 60;
const EARLY_MS = 5_000;
const CLIENT_ID = "hoy";

export class Authenticator {
  readonly #endpoint: Endpoint;
  readonly #credentials: RegistryAuth | undefined;
  readonly #options: HttpOptions;
  readonly #tokens = new Map<string, Token>();
  #basic = false;
  #challenge: Challenge | undefined;

  constructor(endpoint: Endpoint, credentials: RegistryAuth | undefined, options: HttpOptions) {
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#options = options;
  }

  /** The Authorization header for `scope`, if one is known to be needed. */
  header(scope: string): string | undefined {
    if (this.#credentials?.registrytoken) return `Bearer ${this.#credentials.registrytoken}`;
    if (this.#basic) return this.#basicHeader();
    const token = this.#tokens.get(scope);
    return token !== undefined && token.ends > Date.now() ? `Bearer ${token.value}` : undefined;
  }

  /** Answers a 401: gets what it asks for. @returns whether asking again makes sense. */
  async answer(response: Response, scope: string, signal: AbortSignal): Promise<boolean> {
    const challenges = parseChallenges(response.headers.get("www-authenticate") ?? "");
    const bearer = challenges.find((challenge) => challenge.scheme === "bearer") ?? this.#challenge;
    if (bearer !== undefined) {
      this.#challenge = bearer;
      const token = await this.#fetchToken(bearer, scope, signal);
      this.#tokens.set(scope, token);
      return true;
    }
    const basic = challenges.some((challenge) => challenge.scheme === "basic");
    if (!basic || this.#basic || !this.#credentials?.username) return false;
    this.#refusePlainText();
    this.#basic = true;
    return true;
  }

  /** An identity token from a user's name and password, for `login`; "" when the server gives none. */
  async login(response: Response, signal: AbortSignal): Promise<string> {
    const challenges = parseChallenges(response.headers.get("www-authenticate") ?? "");
    const bearer = challenges.find((challenge) => challenge.scheme === "bearer");
    if (bearer === undefined) return "";
    const body = await this.#request(bearer, "", signal, true);
    return typeof body.refresh_token === "string" ? body.refresh_token : "";
  }

  async #fetchToken(challenge: Challenge, scope: string, signal: AbortSignal): Promise<Token> {
    const body = await this.#request(challenge, scope, signal, false);
    const value = typeof body.token === "string" && body.token !== "" ? body.token : body.access_token;
    if (typeof value !== "string" || value === "")
      throw new HoyError("unauthorized", "authorization server did not include a token in the response");
    const life = typeof body.expires_in === "number" && body.expires_in > 0 ? body.expires_in : DEFAULT_LIFE_S;
    return { value, ends: Date.now() + Math.max(life, DEFAULT_LIFE_S) * 1000 - EARLY_MS };
  }

  async #request(
    challenge: Challenge,
    scope: string,
    signal: AbortSignal,
    offline: boolean,
  ): Promise<Record<string, unknown>> {
    const realm = realmOf(challenge, this.#endpoint);
    const service = challenge.parameters.get("service") ?? "";
    const refresh = this.#credentials?.identitytoken;
    const response = refresh
      ? await this.#post(
          realm,
          { grant_type: "refresh_token", refresh_token: refresh, service, scope, client_id: CLIENT_ID },
          signal,
        )
      : await this.#get(realm, service, scope, signal, offline);
    if (!response.ok) throw await refusal(response, realm.host);
    return parseTokenBody(await boundedText(response, 1024 * 1024));
  }

  #get(realm: URL, service: string, scope: string, signal: AbortSignal, offline: boolean): Promise<Response> {
    const url = new URL(realm);
    if (service !== "") url.searchParams.set("service", service);
    if (scope !== "") url.searchParams.set("scope", scope);
    if (this.#credentials?.username) url.searchParams.set("account", this.#credentials.username);
    if (offline) {
      url.searchParams.set("offline_token", "true");
      url.searchParams.set("client_id", CLIENT_ID);
    }
    const basic: Record<string, string> = this.#credentials?.username ? { Authorization: this.#basicHeader() } : {};
    return send(this.#tokenEndpoint(realm), { method: "GET", url: url.href, headers: basic, signal }, this.#options);
  }

  #post(realm: URL, fields: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const body = new URLSearchParams(fields).toString();
    return send(this.#tokenEndpoint(realm), { method: "POST", url: realm.href, headers, body, signal }, this.#options);
  }

  /** The registry's own certificates count for its own host only. */
  #tokenEndpoint(realm: URL): Endpoint {
    if (realm.host === new URL(this.#endpoint.base).host) return this.#endpoint;
    return {
      base: realm.origin,
      host: realm.host,
      tls: { ca: this.#endpoint.tls.ca, cert: undefined, key: undefined },
      insecure: false,
      mirror: false,
      peer: false,
      namespace: undefined,
    };
  }

  #basicHeader(): string {
    const { username = "", password = "" } = this.#credentials ?? {};
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }

  #refusePlainText(): void {
    if (this.#endpoint.base.startsWith("https:") || this.#endpoint.insecure) return;
    throw new HoyError(
      "unauthorized",
      `the registry ${this.#endpoint.host} asks for a password over an unencrypted connection`,
    );
  }
}

/** A realm must be https, or http of a registry that is itself spoken to by http: else it could be used to get passwords. */
function realmOf(challenge: Challenge, endpoint: Endpoint): URL {
  const text = challenge.parameters.get("realm") ?? "";
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  const plain = realm?.protocol === "http:" && endpoint.base.startsWith("http:");
  if (realm === undefined || !(realm.protocol === "https:" || plain)) {
    throw new HoyError(
      "unauthorized",
      `the registry ${endpoint.host} names no usable token server: ${JSON.stringify(text.slice(0, 200))}`,
    );
  }
  return realm;
}

function parseTokenBody(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) return { ...body };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new HoyError("unauthorized", "the token server's answer is not JSON");
}
