// Which attestations a build is asked for (`attest:…` of its attributes), and the statements of one image.

import { HoyError } from "../../../../base/error.ts";
import type { Platform } from "../../../../image/platform.ts";
import type { Layers } from "../../../needs.ts";
import type { Build } from "../../control/build.ts";
import type { SolvedRef } from "../exporter.ts";
import type { Statement } from "./attestation.ts";
import { type ProvenanceOptions, provenance, provenanceOptions, subjectsOf } from "./provenance.ts";
import { sbom } from "./sbom.ts";

export interface Attestations {
  readonly provenance: ProvenanceOptions | undefined;
  readonly sbom: boolean;
}

/** @throws HoyError "invalid", "not-implemented" */
export function attestationsOf(attrs: Readonly<Record<string, string>>): Attestations {
  for (const name of Object.keys(attrs)) {
    if (!name.startsWith("attest:") || name === "attest:provenance" || name === "attest:sbom") continue;
    throw new HoyError("invalid", `unknown attestation type ${JSON.stringify(name.slice(7, 100))}`);
  }
  const asked = attrs["attest:sbom"];
  const isWanted = asked !== undefined && !/(?:^|,)disabled=true(?:,|$)/.test(asked);
  if (isWanted && /(?:^|,)generator=/.test(asked)) {
    throw new HoyError("not-implemented", "generators of SBOMs are not run by this version of hoy", {
      hint: "leave generator= out: hoy makes the SBOM by itself",
    });
  }
  return { provenance: provenanceOptions(attrs["attest:provenance"]), sbom: isWanted };
}

/** Some that the output must carry, whatever else it can. */
export function mustAttest({ provenance: options, sbom: isWanted }: Attestations): boolean {
  return isWanted || (options !== undefined && !options.inlineOnly);
}

export async function statementsOf(
  wanted: Attestations,
  { ref, tree }: SolvedRef,
  build: Build,
  about: {
    readonly names: readonly string[];
    readonly platform: Platform;
    readonly layers: Layers;
    readonly now: string;
  },
): Promise<Statement[]> {
  const subjects = subjectsOf(about.names, about.platform);
  const statements: Statement[] = [];
  if (wanted.sbom) statements.push(await sbom(tree, subjects, about.layers, { now: about.now, signal: build.signal }));
  if (wanted.provenance !== undefined) {
    const { ref: id, started, asked, events } = build;
    const facts = { ref: id, ...asked, started, finished: about.now, file: events.file };
    statements.push(provenance(wanted.provenance, facts, ref.dockerfile?.target ?? ref.input, subjects));
  }
  return statements;
}
