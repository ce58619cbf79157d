// `--secret id=…,src=…|env=…`: read when the engine asks for them, and never before, so that none is in memory for long.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { Secrets } from "../../../build/buildkit/proto/gen/secrets_pb.ts";
import { parseCsvRecord } from "../../base/csv.ts";
import { UsageError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import type { CliIo } from "../../io.ts";

export type SecretSource = { readonly id: string; readonly file?: string; readonly variable?: string };

/** Bytes, as BuildKit has it. */
const LIMIT = 500 * 1024;

/** @throws UsageError */
export function parseSecret(text: string): SecretSource {
  let id = "";
  let kind = "";
  let [file, variable]: (string | undefined)[] = [];
  for (const field of parseCsvRecord(text)) {
    const [key, value] = cut(field, "=");
    if (!field.includes("=")) throw new UsageError(`invalid field '${field}' must be a key=value pair`);
    if (key.toLowerCase() === "id") id = value;
    else if (key.toLowerCase() === "type") kind = value;
    else if (["source", "src"].includes(key.toLowerCase())) file = value;
    else if (key.toLowerCase() === "env") variable = value;
    else throw new UsageError(`unexpected key '${key}' in '${field}'`);
  }
  if (id === "") throw new UsageError(`secret ${JSON.stringify(text)} has no id`);
  if (kind !== "" && kind !== "file" && kind !== "env")
    throw new UsageError(`unsupported secret type ${JSON.stringify(kind)}`);
  if (kind === "env" && variable === undefined) return { id, variable: file ?? id };
  if (file !== undefined) return { id, file };
  return { id, ...(variable === undefined ? {} : { variable }) };
}

export function secretService(sources: readonly SecretSource[], io: CliIo): ServiceTable {
  const known = new Map(sources.map((source) => [source.id, source]));
  return service(Secrets, {
    async getSecret({ id }) {
      const source = known.get(id);
      if (source === undefined) throw new GrpcError(CODE.notFound, `secret ${id} not found`);
      const data = await read(source, io);
      if (data.length > LIMIT) throw new GrpcError(CODE.invalidArgument, `invalid secret size ${data.length}`);
      return { data };
    },
  });
}

/** Without a source: the variable of its name, else the file of its name, as buildx has it. */
async function read({ id, file, variable }: SecretSource, { env, cwd }: CliIo): Promise<Uint8Array> {
  const name = variable ?? (file === undefined && env[id] !== undefined ? id : undefined);
  if (name !== undefined) return Buffer.from(env[name] ?? "");
  return await readFile(resolve(cwd, file ?? id));
}
