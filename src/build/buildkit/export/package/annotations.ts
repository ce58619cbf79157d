// Annotations that an output's attributes ask for (BuildKit, exporter/containerimage/annotations.go):
// `annotation.KEY`, `annotation-LEVEL.KEY`, `annotation-LEVEL[PLATFORM].KEY`.

import { HoyError } from "../../../../base/error.ts";

const LEVELS = ["manifest", "index", "manifest-descriptor", "index-descriptor"] as const;
export type Level = (typeof LEVELS)[number];

export interface Annotation {
  readonly level: Level;
  /** "linux/amd64"; undefined: all. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

const MAX_ANNOTATIONS = 1000;

export function isAnnotation(attribute: string): boolean {
  return (
    attribute.startsWith("annotation.") || attribute.startsWith("annotation-") || attribute.startsWith("annotation[")
  );
}

/** @throws HoyError "invalid" */
export function annotationsIn(attrs: Readonly<Record<string, string>>): Annotation[] {
  const found = Object.entries(attrs)
    .filter(([name]) => isAnnotation(name))
    .map(([name, value]): Annotation => {
      const [, type = "manifest", platform, key = ""] =
        /^annotation(?:-([a-z-]+))?(?:\[([^\]]+)\])?\.(.+)$/.exec(name) ?? [];
      const level = LEVELS.find((each) => each === type);
      if (level === undefined || key === "") throw new HoyError("invalid", `invalid annotation ${name.slice(0, 200)}`);
      if (platform !== undefined && !level.startsWith("manifest")) {
        throw new HoyError("invalid", `an annotation of an ${level} has no platform: ${name.slice(0, 200)}`);
      }
      return { level, platform, key, value };
    });
  if (found.length > MAX_ANNOTATIONS) throw new HoyError("too-large", `more than ${MAX_ANNOTATIONS} annotations`);
  return found;
}

/** As a member to spread: nothing when there are none, so that a document without any stays as it was. */
export function annotationsFor(
  annotations: readonly Annotation[],
  level: Level,
  platform?: string,
): { readonly annotations?: Readonly<Record<string, string>> } {
  const mine = annotations.filter(
    (each) => each.level === level && (each.platform === undefined || each.platform === platform),
  );
  return mine.length === 0 ? {} : { annotations: Object.fromEntries(mine.map(({ key, value }) => [key, value])) };
}
