// What `--check` found, as buildx reads it: metadata of a result without trees (BuildKit, frontend/subrequests/lint).

import type { CheckResult } from "../../lint/check.ts";
import type { SourceFile } from "../errors.ts";

export function lintResult(file: SourceFile, check: CheckResult): Map<string, Uint8Array> {
  const source = { filename: file.name, language: "Dockerfile", data: Buffer.from(file.text).toString("base64") };
  const json = {
    warnings: check.warnings.map(({ rule, message, range: { start, end } }) => ({
      ruleName: rule.name,
      description: rule.description,
      url: rule.url,
      detail: message,
      location: { ranges: [{ start: { line: start }, end: { line: end } }] },
    })),
    sources: [source],
    ...(check.error === undefined ? {} : { buildError: { message: check.error, location: {} } }),
  };
  return new Map([
    ["result.json", Buffer.from(JSON.stringify(json))],
    ["result.txt", Buffer.from(check.text)],
    ["result.statuscode", Buffer.from(String(check.status))],
    ["version", Buffer.from("1.0.0")],
  ]);
}
