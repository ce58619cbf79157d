// Docker's own description of the API (swagger 2.0) as a checker of answers. The file is not part of the project; where
// it is absent, `loadContract` says so and tests that need it are skipped. For tests.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import { parse } from "yaml";

/** HOY_SWAGGER names another place. */
const FILE =
  process.env.HOY_SWAGGER ?? resolve(import.meta.dir, "../../../../shared/data/engine-api-v1.51.swagger.yaml");

export interface Operation {
  readonly method: string;
  /** With {name} parts, without version. */
  readonly path: string;
  readonly tag: string;
}

export interface Contract {
  readonly operations: readonly Operation[];
  /** What is wrong with an answer; empty when nothing is, or when the description says nothing of it. */
  check(method: string, path: string, status: number, body: unknown): string[];
}

/** For the names of tests: why they are skipped, when they are. */
export const WITHOUT_CONTRACT = existsSync(FILE)
  ? ""
  : " (skipped: no swagger of the Engine API; HOY_SWAGGER names one)";

/** undefined where the file is not there. */
export function loadContract(): Contract | undefined {
  if (!existsSync(FILE)) {
    console.warn(`skipped: ${FILE} is not there (the Engine API's swagger; HOY_SWAGGER names another place)`);
    return undefined;
  }
  const whole = asObject(parse(readFileSync(FILE, "utf8")));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(asObject(loosen({ definitions: whole.definitions })), "api");
  const operations: Operation[] = [];
  const schemas = new Map<string, unknown>();
  for (const [path, methods] of Object.entries(asObject(whole.paths))) {
    for (const [method, value] of Object.entries(asObject(methods))) {
      if (!["get", "head", "post", "put", "delete"].includes(method)) continue;
      const operation = asObject(value);
      const tags = operation.tags;
      operations.push({ method: method.toUpperCase(), path, tag: Array.isArray(tags) ? String(tags[0]) : "" });
      for (const [status, response] of Object.entries(asObject(operation.responses))) {
        const { schema } = asObject(response);
        if (schema !== undefined) schemas.set(`${method.toUpperCase()} ${path} ${status}`, schema);
      }
    }
  }
  const compiled = new Map<string, ValidateFunction>();
  return {
    operations,
    check(method, path, status, body) {
      const key = `${method} ${path} ${status}`;
      const schema = schemas.get(key);
      if (schema === undefined) return [];
      const validate = compiled.get(key) ?? ajv.compile(asObject(loosen(schema)));
      compiled.set(key, validate);
      if (validate(body) === true) return [];
      return (validate.errors ?? []).map((error) => `${key}: ${error.instancePath || "/"} ${error.message ?? ""}`);
    },
  };
}

/** Pointers in Go, null in every answer of dockerd's, and not x-nullable in the swagger. */
const POINTERS: ReadonlySet<string> = new Set(["MemorySwappiness", "OomKillDisable"]);

/**
 * Swagger 2.0 to JSON schema. `x-nullable` becomes null beside the type; lists and maps may be null too, since Go
 * writes an empty one so and Docker's answers are full of them.
 */
function loosen(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(loosen);
  if (typeof schema !== "object" || schema === null) return schema;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "example" || key === "examples" || key === "default") continue;
    const read = POINTERS.has(key) ? { ...asObject(value), "x-nullable": true } : value;
    out[key] = key === "$ref" ? String(read).replace("#/", "api#/") : loosen(read);
  }
  const { type } = out;
  const nullable =
    out["x-nullable"] === true || type === "array" || (type === "object" && "additionalProperties" in out);
  if (typeof type === "string" && nullable) {
    out.type = [type, "null"];
    if (Array.isArray(out.enum)) out.enum = [...out.enum, null];
  }
  return out;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
