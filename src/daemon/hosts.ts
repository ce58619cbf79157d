// Addresses the daemon listens on, as -H writes them: unix:///path, tcp://host:port, fd:// (systemd's sockets).

import { isIP } from "node:net";
import { HoyError } from "../base/error.ts";

export type Host =
  | { readonly kind: "unix"; readonly text: string; readonly path: string }
  | { readonly kind: "tcp"; readonly text: string; readonly address: string; readonly port: number | undefined }
  /** `name`: one socket of that FileDescriptorName; undefined: all of them. */
  | { readonly kind: "fd"; readonly text: string; readonly name: string | undefined };

/** sun_path of sockaddr_un, with its NUL (unix(7)). */
const LONGEST_UNIX_PATH = 107;

/** @throws HoyError "invalid". A tcp address without a port gets 2376 with TLS, 2375 without, as Docker's. */
export function parseHost(text: string): Host {
  const bad = (why: string, hint?: string) =>
    new HoyError("invalid", `invalid -H ${JSON.stringify(text)}: ${why}`, hint === undefined ? {} : { hint });
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text.startsWith("/") ? `unix://${text}` : text) ?? [];
  if (scheme === "unix") {
    const path = rest === "" ? "/run/hoy/hoy.sock" : rest;
    if (!path.startsWith("/")) throw bad("the path of a unix socket must be absolute");
    if (Buffer.byteLength(path) > LONGEST_UNIX_PATH) throw bad(`longer than ${LONGEST_UNIX_PATH} bytes`);
    return { kind: "unix", text: `unix://${path}`, path };
  }
  if (scheme === "fd") return { kind: "fd", text, name: rest === "" || rest === "*" ? undefined : rest };
  if (scheme !== "tcp") throw bad("must be unix://PATH, tcp://ADDRESS:PORT or fd://");
  const [, bracketed, plain = "", digits] = /^(?:\[([^\]]*)\]|([^:/]*))(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
  const address = bracketed ?? plain;
  if (rest !== "" && bracketed === undefined && plain === "" && digits === undefined) throw bad("not ADDRESS:PORT");
  if (bracketed !== undefined && isIP(bracketed) !== 6) throw bad("not an IPv6 address in [ ]");
  if (digits !== undefined && Number(digits) > 65535) throw bad("no such port");
  // Never "everywhere" by an empty word: dockerd's tcp:// means localhost too.
  return {
    kind: "tcp",
    text,
    address: address || "127.0.0.1",
    port: digits === undefined ? undefined : Number(digits),
  };
}
