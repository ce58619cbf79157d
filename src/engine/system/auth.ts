// POST /auth, what `login` asks: are these credentials good for that registry? Gives the identity token that the
// registry's token server hands out in exchange for the password, where it does.

import type { RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { userAgent } from "../../base/version.ts";
import { Authenticator } from "../../registry/client/auth.ts";
import { type Endpoint, endpointsFor } from "../../registry/client/endpoint.ts";
import { refusal } from "../../registry/client/errors.ts";
import { type HttpOptions, send } from "../../registry/client/http.ts";

const PATIENCE_MS = 30_000;

export interface AuthAnswer {
  readonly Status: string;
  readonly IdentityToken: string;
}

/** @throws HoyError "unauthorized" when the registry refuses them, "unavailable" when it can't be reached. */
export async function checkCredentials(credentials: RegistryAuth, settings: RegistrySettings): Promise<AuthAnswer> {
  const domain = registryDomain(credentials.serveraddress ?? "");
  const endpoints = endpointsFor(domain, settings).filter((endpoint) => !endpoint.mirror);
  let failure: unknown = new HoyError("unavailable", `no endpoint of ${domain} is known`);
  for (const endpoint of endpoints) {
    try {
      return { Status: "Login Succeeded", IdentityToken: await signIn(endpoint, credentials) };
    } catch (error) {
      // By http only where https does not answer at all.
      if (!(error instanceof HoyError && error.code === "unavailable")) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Users type hosts, URLs and the Hub's old address. */
export function registryDomain(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return ["", "index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}

async function signIn(endpoint: Endpoint, credentials: RegistryAuth): Promise<string> {
  const options: HttpOptions = { userAgent, attempts: 2 };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const authenticator = new Authenticator(endpoint, credentials, options);
  const ask = (headers: Record<string, string>) =>
    send(endpoint, { method: "GET", url: `${endpoint.base}/v2/`, headers, signal }, options);
  const first = await ask({});
  if (first.ok) return "";
  if (first.status !== 401) throw await refusal(first, endpoint.host);
  const token = credentials.identitytoken ? "" : await authenticator.login(first, signal);
  if (token !== "") return token;
  const again = await authenticator.answer(first, "", signal);
  const authorization = again ? authenticator.header("") : undefined;
  const second = authorization === undefined ? first : await ask({ Authorization: authorization });
  if (!second.ok) throw await refusal(second, endpoint.host);
  return "";
}
