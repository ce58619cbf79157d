// Certificates for tests, made by openssl: an authority with a server and a client, and a stranger with its own.

import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** ca.pem, server.pem, client.pem, stranger-ca.pem, stranger.pem, and X-key.pem for each. For 127.0.0.1 and localhost. */
export function makeCertificates(folder: string): void {
  chmodSync(folder, 0o700);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const ca of ["ca", "stranger-ca"]) {
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      `${ca}-key.pem`,
      "-out",
      `${ca}.pem`,
      "-days",
      "2",
      "-subj",
      `/CN=${ca}`,
    );
  }
  for (const [name, ca] of [
    ["server", "ca"],
    ["client", "ca"],
    ["stranger", "stranger-ca"],
  ] as const) {
    writeFileSync(join(folder, "ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    openssl("req", ...key, "-keyout", `${name}-key.pem`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${ca}.pem`,
      "-CAkey",
      `${ca}-key.pem`,
      "-CAcreateserial",
      "-out",
      `${name}.pem`,
      "-days",
      "2",
      "-extfile",
      "ext",
    );
  }
}
