// Where an engine is, as users write it: unix:///run/hoy/hoy.sock, tcp://host:port, ssh://user@host:22, with TLS or not.

import { HoyError } from "../../base/error.ts";

export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** False (--tls without --tlsverify): the server's certificate is not checked. */
  readonly verify: boolean;
}

export type Endpoint =
  | { readonly kind: "unix"; readonly path: string; readonly text: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly tls: TlsMaterial | undefined;
      readonly text: string;
    }
  | {
      readonly kind: "ssh";
      readonly user: string | undefined;
      readonly host: string;
      readonly port: number | undefined;
      /** Socket on the far side; undefined: its default. */
      readonly path: string | undefined;
      readonly text: string;
    };

/** @throws HoyError "invalid" for what can't be an engine's address, with Docker's words. */
export function parseEndpoint(text: string, tls?: TlsMaterial): Endpoint {
  const host = text.trim();
  const mark = host.indexOf("://");
  if (mark < 0) {
    // "host:port" and "" are what Docker also takes.
    if (host === "") throw bad(text);
    return parseTcp(`tcp://${host}`, tls);
  }
  const scheme = host.slice(0, mark);
  switch (scheme) {
    case "unix": {
      const path = host.slice(mark + 3);
      if (path === "") throw bad(text);
      return { kind: "unix", path, text: host };
    }
    case "tcp":
    case "http":
    case "https":
      return parseTcp(host.replace(/^https?:/, "tcp:"), tls);
    case "ssh":
      return parseSsh(host);
    case "fd":
      throw new HoyError("invalid", `${host}: fd:// is for a daemon's -H, a client can't connect to it`);
    case "npipe":
      throw new HoyError("invalid", "protocol not available: npipe:// is for Windows");
    default:
      throw bad(text);
  }
}

function parseTcp(text: string, tls: TlsMaterial | undefined): Endpoint {
  const url = parseUrl(text);
  if (!/^\/?$/.test(url.pathname) || url.username !== "") throw bad(text);
  const port = url.port === "" ? (tls === undefined ? 2375 : 2376) : Number(url.port);
  return { kind: "tcp", host: unbracket(url.hostname) || "localhost", port, tls, text };
}

function parseSsh(text: string): Endpoint {
  const url = parseUrl(text);
  const host = unbracket(url.hostname);
  const user = decodeURIComponent(url.username);
  if (url.password !== "")
    throw new HoyError("invalid", "ssh host connection is not valid: plain-text password is not supported");
  if (host === "") throw new HoyError("invalid", "ssh host connection is not valid: no host specified");
  // ssh would read a name that begins with a dash as an option.
  if (host.startsWith("-") || user.startsWith("-")) throw bad(text);
  return {
    kind: "ssh",
    user: user === "" ? undefined : user,
    host,
    port: url.port === "" ? undefined : Number(url.port),
    path: url.pathname === "" || url.pathname === "/" ? undefined : url.pathname,
    text,
  };
}

/** A scheme that URL treats alike everywhere: http; only the parts are used. */
function parseUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (url.search !== "" || url.hash !== "") throw bad(text);
    return url;
  } catch (cause) {
    throw cause instanceof HoyError ? cause : bad(text);
  }
}

function unbracket(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function bad(text: string): HoyError {
  return new HoyError("invalid", `unable to parse docker host \`${text.slice(0, 200)}\``);
}
