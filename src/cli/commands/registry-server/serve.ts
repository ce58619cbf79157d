// `registry serve`: runs a registry until it is told to stop. On loopback everybody may do everything unless --users is
// given; on any other address --users and TLS are needed, or it must be said that they are not wanted.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { REGISTRY_DEFAULTS, type RegistryServerOptions, startRegistry } from "../../../registry/server/server.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { rootFlag } from "./root.ts";
import { blobsOf, s3Flags } from "./s3.ts";

const NS_PER_MS = 1_000_000;
const DEFAULT_LISTEN = `${REGISTRY_DEFAULTS.host}:${REGISTRY_DEFAULTS.port}`;

export const serve = command({
  usage: "[OPTIONS]",
  args: args.none,
  details: "Without --users everybody who reaches the address may pull, push and delete.",
  flags: {
    "audit-log": flag.string("File for a JSON line of every change and every refusal"),
    "engine-root": flag.string("Data root of an engine here: its pushes copy nothing"),
    listen: flag.string("Address and port", { initial: DEFAULT_LISTEN }),
    root: rootFlag(),
    ...s3Flags(),
    users: flag.bool("People sign in, and have what they were granted"),
    "allow-anyone": flag.bool("Serve without users on an address that others can reach"),
    "allow-plain-http": flag.bool("Serve without TLS on an address that others can reach"),
    "tls-cert": flag.string("TLS certificate, with its chain (PEM file)"),
    "tls-key": flag.string("TLS key (PEM file)"),
    "max-blob-size": flag.bytes("Bytes of one blob at most", { initial: REGISTRY_DEFAULTS.blobLimit, shown: "64GiB" }),
    "max-uploads": flag.uint("Uploads open at once", { initial: REGISTRY_DEFAULTS.uploadsLimit }),
    "rate-limit": flag.uint("Requests a minute from one address (0: no limit)"),
    "account-rate-limit": flag.uint("Requests a minute by one account (0: no limit)"),
    metrics: flag.string("Address and port for Prometheus (/metrics, /health)"),
    "webhook-allow": flag.list("Network that is not public and webhooks may go to (CIDR)"),
    "trust-proxy": flag.list("Address or network of a proxy that says who calls (X-Forwarded-For, -Proto)"),
    "gc-every": flag.duration("Time between collections (0: none)", {
      initial: REGISTRY_DEFAULTS.collectEvery * NS_PER_MS,
      shown: "1h",
    }),
    "gc-grace": flag.duration("How long uploads may be idle and blobs without an image", {
      initial: REGISTRY_DEFAULTS.grace * NS_PER_MS,
      shown: "24h",
    }),
  },
  async run({ io }, { flags }) {
    const { host, port } = parseListen(flags.listen);
    const tls = readTls(flags["tls-cert"], flags["tls-key"]);
    if (!isLoopback(host)) {
      if (!flags.users && !flags["allow-anyone"])
        throw new ExitError(1, `others can reach ${host}: say --users, or --allow-anyone`);
      if (tls === undefined && !flags["allow-plain-http"])
        throw new ExitError(1, `others can reach ${host}: give --tls-cert and --tls-key, or say --allow-plain-http`);
    }
    const blobs = blobsOf(flags, process.env);
    const options: RegistryServerOptions = {
      root: flags.root,
      ...(flags["engine-root"] === "" ? {} : { engineRoot: flags["engine-root"] }),
      ...(blobs === undefined ? {} : { blobs }),
      host,
      port,
      ...(tls === undefined ? {} : { tls }),
      users: flags.users,
      ...(flags["audit-log"] === "" ? {} : { audit: flags["audit-log"] }),
      blobLimit: flags["max-blob-size"],
      uploadsLimit: flags["max-uploads"],
      ...(flags.metrics === "" ? {} : { metrics: parseListen(flags.metrics) }),
      webhookNetworks: flags["webhook-allow"],
      proxies: flags["trust-proxy"],
      addressRate: flags["rate-limit"],
      accountRate: flags["account-rate-limit"],
      collectEvery: flags["gc-every"] / NS_PER_MS,
      grace: flags["gc-grace"] / NS_PER_MS,
    };
    const ended = signalled();
    const server = await startRegistry(options);
    const shown = host.includes(":") ? `[${host}]` : host;
    io.stdout.line(
      `registry on ${tls === undefined ? "http" : "https"}://${shown}:${server.port}, data in ${flags.root}`,
    );
    await io.stdout.flush();
    await ended;
    await server.close();
  },
});

/** "127.0.0.1:5000", "[::1]:5000", ":5000". */
function parseListen(text: string): { host: string; port: number } {
  const [, six, four, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535)
    throw new ExitError(1, `invalid address ${JSON.stringify(text)}: want HOST:PORT`);
  return { host: six ?? (four || "0.0.0.0"), port: Number(port) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function readTls(certPath: string, keyPath: string): { cert: string; key: string } | undefined {
  if (certPath === "" && keyPath === "") return undefined;
  if (certPath === "" || keyPath === "") throw new ExitError(1, "--tls-cert and --tls-key go together");
  try {
    return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
  } catch (error) {
    throw new ExitError(1, `could not read the TLS files: ${messageOf(error)}`);
  }
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
