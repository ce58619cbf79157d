// Where an image comes from, as a SLSA predicate: v0.2 (what BuildKit writes unless it is asked otherwise) and v1, with
// BuildKit's build types. mode=min leaves out what people put into arguments; mode=max has them and the Dockerfile.
// Secrets are in neither: they are in no argument and in no step's definition.

import { HoyError } from "../../../../base/error.ts";
import { formatPlatform, hostPlatform, type Platform } from "../../../../image/platform.ts";
import { familiarName, parseReference } from "../../../../image/reference.ts";
import type { Input } from "../../../graph.ts";
import { inOrder } from "../../../solver/digests.ts";
import type { SourceFile } from "../../errors.ts";
import type { Statement } from "./attestation.ts";

export interface ProvenanceOptions {
  readonly mode: "min" | "max";
  readonly version: "v0.2" | "v1";
  readonly builderId: string;
  /** Only where it goes along with the image anyway: buildx asks so by itself. */
  readonly inlineOnly: boolean;
}

/** What is known of a build. */
export interface BuildFacts {
  readonly ref: string;
  readonly frontend: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly started: string;
  readonly finished: string;
  readonly file: SourceFile | undefined;
}

interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

const BUILD_TYPE_02 = "https://mobyproject.org/buildkit@v1";
const BUILD_TYPE_1 = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";
const MAX_MATERIALS = 10_000;

/** @param text The value of `attest:provenance`; undefined for none. @throws HoyError "invalid" */
export function provenanceOptions(text: string | undefined): ProvenanceOptions | undefined {
  if (text === undefined) return undefined;
  const fields = new Map(
    text.split(",").map((field) => {
      const at = field.indexOf("=");
      return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  if (fields.get("disabled") === "true") return undefined;
  const mode = fields.get("mode") || "min";
  const version = fields.get("version") || "v0.2";
  if (mode !== "min" && mode !== "max") throw new HoyError("invalid", `invalid provenance mode ${mode.slice(0, 100)}`);
  if (version !== "v0.2" && version !== "v1") {
    throw new HoyError("invalid", `invalid provenance version ${version.slice(0, 100)}`);
  }
  return { mode, version, builderId: fields.get("builder-id") ?? "", inlineOnly: fields.get("inline-only") === "true" };
}

export function provenance(
  { mode, version, builderId }: ProvenanceOptions,
  facts: BuildFacts,
  target: Input | undefined,
  subjects: readonly string[],
): Statement {
  const materials = materialsOf(target);
  const parameters = { frontend: facts.frontend, args: argsOf(facts.attrs, mode), locals: localsOf(target) };
  const source =
    mode === "max" && facts.file !== undefined
      ? {
          source: {
            infos: [
              {
                filename: facts.file.name,
                data: Buffer.from(facts.file.text).toString("base64"),
                language: "Dockerfile",
              },
            ],
          },
        }
      : {};
  const platform = formatPlatform(hostPlatform);
  const entryPoint = facts.file?.name ?? facts.attrs.filename ?? "";
  if (version === "v1") {
    const predicate = {
      buildDefinition: {
        buildType: BUILD_TYPE_1,
        externalParameters: { configSource: { path: entryPoint }, request: parameters },
        internalParameters: { builderPlatform: platform },
        resolvedDependencies: materials,
      },
      runDetails: {
        builder: { id: builderId },
        metadata: {
          invocationId: facts.ref,
          startedOn: facts.started,
          finishedOn: facts.finished,
          buildkit_completeness: { request: mode === "max", resolvedDependencies: false },
          buildkit_reproducible: false,
          ...(mode === "max" ? { buildkit_metadata: source } : {}),
        },
      },
    };
    return { predicateType: "https://slsa.dev/provenance/v1", predicate, subjects };
  }
  const predicate = {
    builder: { id: builderId },
    buildType: BUILD_TYPE_02,
    materials,
    invocation: { configSource: { entryPoint }, parameters, environment: { platform } },
    metadata: {
      buildInvocationID: facts.ref,
      buildStartedOn: facts.started,
      buildFinishedOn: facts.finished,
      completeness: { parameters: mode === "max", environment: true, materials: false },
      reproducible: false,
      [`${BUILD_TYPE_02}#metadata`]: mode === "max" ? source : {},
    },
  };
  return { predicateType: "https://slsa.dev/provenance/v0.2", predicate, subjects };
}

/** Of an image under its names (the package URL type "docker"). */
export function subjectsOf(names: readonly string[], platform: Platform): string[] {
  return names.map((name) => imageUrl(name, platform));
}

function imageUrl(name: string, platform: Platform): string {
  const ref = parseReference(name);
  const version = ref.tag ?? "latest";
  return `pkg:docker/${familiarName(ref)}@${version}?platform=${encodeURIComponent(formatPlatform(platform))}`;
}

/** Images, repositories and downloads that steps were made from, those whose digest is known. */
function materialsOf(target: Input | undefined): Material[] {
  const found = new Map<string, Material>();
  for (const { op, platform } of target === undefined ? [] : inOrder(target.vertex)) {
    const material = op.kind === "source" ? materialOf(op, platform) : undefined;
    if (material !== undefined && found.size < MAX_MATERIALS) found.set(JSON.stringify(material), material);
  }
  return [...found.values()];
}

function materialOf(op: Extract<Input["vertex"]["op"], { kind: "source" }>, platform: Platform): Material | undefined {
  switch (op.type) {
    case "image": {
      const sha256 = /@sha256:([0-9a-f]{64})$/.exec(op.ref)?.[1];
      return sha256 === undefined ? undefined : { uri: imageUrl(op.ref, platform), digest: { sha256 } };
    }
    case "http": {
      const sha256 = /^sha256:([0-9a-f]{64})$/.exec(op.checksum)?.[1];
      return sha256 === undefined ? undefined : { uri: withoutPassword(op.url), digest: { sha256 } };
    }
    case "git":
      return /^[0-9a-f]{40}$/.test(op.checksum)
        ? { uri: `${withoutPassword(op.url)}#${op.ref}`, digest: { sha1: op.checksum } }
        : undefined;
    default:
      return undefined;
  }
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^@/]*@/i, "$1");
}

function localsOf(target: Input | undefined): { name: string }[] {
  const names = (target === undefined ? [] : inOrder(target.vertex)).flatMap(({ op }) =>
    op.kind === "source" && op.type === "local" ? [op.name] : [],
  );
  return [...new Set(names)].map((name) => ({ name }));
}

/** Sessions of the client and what the builder is told about itself say nothing of the image. */
const OWN = /^(?:local-sessionid:|frontend\.caps|input|context:|cache-imports|attest:|explain$)/;

function argsOf(attrs: Readonly<Record<string, string>>, mode: "min" | "max"): Record<string, string> {
  const shown = Object.entries(attrs).filter(
    ([name]) => !OWN.test(name) && (mode === "max" || !/^(?:build-arg:|label:|vcs:|add-hosts$)/.test(name)),
  );
  return Object.fromEntries(shown.map(([name, value]) => [name, withoutPassword(value)]));
}
