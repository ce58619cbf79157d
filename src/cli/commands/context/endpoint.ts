// --docker "host=…,ca=…,cert=…,key=…,skip-tls-verify=…,from=…" of context create and update.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEndpoint } from "../../../api/client/endpoint.ts";
import { parseCsvRecord } from "../../base/csv.ts";
import { ExitError } from "../../base/errors.ts";
import { parseBool } from "../../base/numbers.ts";
import { cut } from "../../base/text.ts";
import type { Context } from "../../command.ts";
import type { ContextMeta, ContextTls } from "../../config/contexts.ts";
import { flag } from "../../flag.ts";
import { openFailure } from "../../run/environment.ts";
import { findContext } from "./find.ts";

const KEYS = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

export const dockerFlag = () =>
  flag.custom<ReadonlyMap<string, string>>("stringToString", "set the docker endpoint", new Map(), (text, before) => {
    const fields = new Map(before);
    for (const field of parseCsvRecord(text)) {
      const [key, value] = cut(field, "=");
      fields.set(key, value);
    }
    return fields;
  });

export interface DockerEndpoint {
  readonly endpoint: ContextMeta["Endpoints"][string];
  readonly tls: ContextTls;
}

/** @throws ExitError in docker's words. */
export function readEndpoint(context: Context, fields: ReadonlyMap<string, string>): DockerEndpoint {
  const unknown = [...fields.keys()].find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw problem(`unrecognized config key: ${unknown}`);
  const from = fields.get("from");
  if (from !== undefined) {
    const source = findContext(context, from);
    return { endpoint: source.meta.Endpoints.docker ?? {}, tls: source.tls };
  }
  const host = fields.get("host") ?? "";
  if (host !== "") parseEndpoint(host);
  const skip = fields.get("skip-tls-verify");
  const pem = (key: "ca" | "cert" | "key") => readPem(context, fields.get(key));
  const tls = { "ca.pem": pem("ca"), "cert.pem": pem("cert"), "key.pem": pem("key") };
  return {
    endpoint: { Host: host, SkipTLSVerify: skip === undefined ? false : parseBool(skip) },
    tls: Object.fromEntries(Object.entries(tls).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))),
  };
}

function readPem({ io }: Context, file: string | undefined): string | undefined {
  if (file === undefined || file === "") return undefined;
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch (thrown) {
    throw problem(openFailure(file, thrown));
  }
}

const problem = (why: string) => new ExitError(1, `unable to create docker endpoint config: ${why}`);
