// What an exporter is: what becomes of a result. Made from its attributes before anything is built, so that what can't
// be is known early; and what several of them share.

import { HoyError } from "../../../base/error.ts";
import type { Tree } from "../../solver-contract.ts";
import type { Build } from "../control/build.ts";
import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { BuildRef, BuildResult } from "../result.ts";
import type { Sessions } from "../session/sessions.ts";
import { isAnnotation } from "./package/annotations.ts";
import type { Attestations } from "./package/attestations.ts";

export type ExporterResponse = Readonly<Record<string, string>>;

export interface SolvedRef {
  readonly ref: BuildRef;
  readonly tree: Tree;
}

export interface ExportInput {
  readonly build: Build;
  readonly result: BuildResult;
  /** By platform; of a result without platforms one, named "". */
  readonly solved: ReadonlyMap<string, SolvedRef>;
  /** For the config of the image that is made of a tree; undefined: not asked for. */
  readonly inlineCache: (tree: Tree) => Buffer | undefined;
  readonly attestations: Attestations;
  readonly needs: BuildkitNeeds;
  readonly sessions: Sessions;
}

export type Exporter = (input: ExportInput) => Promise<ExporterResponse>;

/** @param index of it among the build's outputs, by which the client knows where to put it. */
export type MakeExporter = (attrs: Readonly<Record<string, string>>, index: number, needs: BuildkitNeeds) => Exporter;

/** Names in an attribute, apart by commas. */
export function namesIn(attrs: Readonly<Record<string, string>>): string[] {
  return (attrs.name ?? "").split(",").filter((name) => name !== "");
}

/** Attributes that change what comes out, and that no exporter here has. @throws HoyError "not-implemented" */
export function refuseUnserved(attrs: Readonly<Record<string, string>>, served: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(attrs)) {
    if (served.has(name) || isAnnotation(name) || value === "" || value === "false") continue;
    throw missing(`the option ${JSON.stringify(name.slice(0, 100))} of an output`);
  }
}

/** @throws HoyError "invalid" when there are several platforms. */
export function onlyOne(
  solved: ReadonlyMap<string, SolvedRef>,
  refusal: string,
): SolvedRef & { readonly platform: string } {
  const [first, second] = solved;
  if (first === undefined) throw new HoyError("invalid", "the build has no result to export");
  if (second !== undefined) throw new HoyError("invalid", refusal);
  return { ...first[1], platform: first[0] };
}
