// Which frontend a Dockerfile asks for: `# syntax=IMAGE`, or the build argument BUILDKIT_SYNTAX. Docker's own images of
// the Dockerfile frontend stand for what is built in (BuildKit, parser.DetectSyntax and dockerfile/builder, Build).

import { repositoryName, tryParseReference } from "../../../image/reference.ts";
import { readDirectives } from "../../dockerfile/directives.ts";
import type { Attributes } from "./attributes.ts";

const OURS: ReadonlySet<string> = new Set(["docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"]);
/** It is looked for at the head of the file only. */
const HEAD = 8 * 1024;

/** undefined: the file is for the frontend that has it. */
export function forwardOf(attrs: Attributes, text: string): Attributes | undefined {
  // Somebody forwarded it here: not again.
  if (attrs.cmdline !== undefined) return undefined;
  const cmdline = (attrs["build-arg:BUILDKIT_SYNTAX"] ?? syntaxOf(text)).trim();
  const [source = ""] = cmdline.split(/\s+/);
  const name = tryParseReference(source);
  if (source === "" || (name !== undefined && OURS.has(repositoryName(name)))) return undefined;
  return { cmdline, source };
}

/** In a comment of "#" or "//", or a member of a file that is JSON; "": none. */
export function syntaxOf(text: string): string {
  const lines = text
    .slice(0, HEAD)
    .replace(/^\uFEFF/, "")
    .replace(/^#![^\n]*\n/, "")
    .split(/\r?\n/);
  const { syntax } = readDirectives(lines);
  if (syntax !== "") return syntax;
  for (const line of lines) {
    const [, name = "", value = ""] = /^\/\/\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line.trim()) ?? [];
    if (name === "") break;
    if (name.toLowerCase() === "syntax") return value;
  }
  return lines[0]?.trimStart().startsWith("{") === true ? jsonSyntax(text) : "";
}

function jsonSyntax(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const has = typeof value === "object" && value !== null && "syntax" in value;
    return has && typeof value.syntax === "string" ? value.syntax : "";
  } catch {
    return ""; // no JSON after all
  }
}
