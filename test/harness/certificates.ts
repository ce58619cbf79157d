// Certificates for tests, made once: a CA, a server and a client of it, and a client of a stranger's CA, as
// ca.pem, server.pem, server.key, client.pem, client.key, stranger.pem, stranger.key in one directory.

import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { command } from "./command.ts";
import { have } from "./needs.ts";

const SCRIPT = `
  set -e; cd "$1"; shift
  names=IP:127.0.0.1; for address; do names=$names,IP:$address; done
  key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
  ca() { openssl req -x509 $key -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1"; }
  leaf() { # NAME CA EXTENSION
    openssl req $key -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf '%s\\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -out "$1.pem" -days 2 -extfile "$1.ext"
  }
  ca ca; ca other
  leaf server ca "subjectAltName=$names"
  leaf client ca "extendedKeyUsage=clientAuth"
  leaf stranger other "extendedKeyUsage=clientAuth"`;

/** The directory, removed after the file's tests. `addresses` are the server's, besides 127.0.0.1. */
export async function certificates(addresses: readonly string[] = []): Promise<string> {
  const folder = mkdtempSync("/tmp/hoy-pki-");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  if (!have.openssl) return folder;
  const { code, stderr } = await command(["bash", "-c", SCRIPT, "bash", folder, ...addresses]);
  if (code !== 0) throw new Error(`openssl: ${stderr}`);
  return folder;
}
