// Names of images: `[host[:port]/]path[:tag][@digest]`, parsed and normalised as every Docker client does it
// (grammar: distribution/reference, reference.go and normalize.go). Pure text; whether an image of that name is here
// is the engine's question.

import { HoyError } from "../base/error.ts";

/** A normalised name: the host is never empty, Docker Hub's one-word names have `library/` before them. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const DEFAULT_TAG = "latest";
const OFFICIAL = "library/";
const NAME_LIMIT = 255;

const ALPHANUMERIC = "[a-z0-9]+";
const SEPARATOR = "(?:[._]|__|-+)";
const COMPONENT = `${ALPHANUMERIC}(?:${SEPARATOR}${ALPHANUMERIC})*`;
const HOST_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const HOST = `(?:${HOST_PART}(?:\\.${HOST_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH = `${COMPONENT}(?:/${COMPONENT})*`;
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

const REFERENCE_RE = new RegExp(`^((?:${HOST}/)?${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const NAME_RE = new RegExp(`^(?:(${HOST})/)?(${PATH})$`);
const TAG_RE = new RegExp(`^${TAG}$`);
const IDENTIFIER_RE = /^[a-f0-9]{64}$/;
const DIGEST_LENGTH: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

/** Longer than any name can be; keeps the expressions above from seeing megabytes. */
const TEXT_LIMIT = 1024;

/**
 * Reads a name as users type it: `busybox` is `docker.io/library/busybox`. No tag is added (see `withDefaultTag`).
 * @throws HoyError "invalid" in the words of distribution/reference.
 */
export function parseReference(text: string): Reference {
  if (text === "") throw invalid("repository name must have at least one component");
  if (text.length > TEXT_LIMIT) throw invalid("invalid reference format");
  if (IDENTIFIER_RE.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, rest } = splitDomain(text);
  const colon = rest.indexOf(":");
  const remote = colon < 0 ? rest : rest.slice(0, colon);
  if (remote.toLowerCase() !== remote) {
    throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  }
  const match = REFERENCE_RE.exec(`${domain}/${rest}`);
  const name = match?.[1];
  if (match === null || name === undefined) throw invalid("invalid reference format");
  const parts = NAME_RE.exec(name);
  const path = parts?.[2];
  if (path === undefined) throw invalid("invalid reference format");
  if (path.length > NAME_LIMIT) {
    throw invalid(`repository name must not be more than ${NAME_LIMIT} characters`);
  }
  const digest = match[3];
  if (digest !== undefined) checkDigest(digest);
  return { domain: parts?.[1] ?? domain, path, tag: match[2], digest };
}

/** As `parseReference`, undefined instead of an error. */
export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof HoyError && error.code === "invalid") return undefined;
    throw error;
  }
}

/** `:latest` where the name has neither tag nor digest. */
export function withDefaultTag(ref: Reference): Reference {
  return ref.tag === undefined && ref.digest === undefined ? { ...ref, tag: DEFAULT_TAG } : ref;
}

/** @throws HoyError "invalid": "invalid tag format". */
export function withTag(ref: Reference, tag: string): Reference {
  if (!TAG_RE.test(tag)) throw invalid("invalid tag format");
  return { ...ref, tag };
}

/** The repository, normalised: `docker.io/library/busybox`. */
export function repositoryName(ref: Reference): string {
  return `${ref.domain}/${ref.path}`;
}

/** The whole name, normalised: `docker.io/library/busybox:latest`. */
export function canonicalString(ref: Reference): string {
  return repositoryName(ref) + suffix(ref);
}

/** The repository as users see it: `busybox`, `registry.example/team/app`. */
export function familiarName(ref: Reference): string {
  if (ref.domain !== DEFAULT_DOMAIN) return repositoryName(ref);
  const short = ref.path.startsWith(OFFICIAL) ? ref.path.slice(OFFICIAL.length) : ref.path;
  // `library/a/b` is not an official image's name.
  return short.includes("/") ? ref.path : short;
}

/** The whole name as users see it: `busybox:latest`. */
export function familiarString(ref: Reference): string {
  return familiarName(ref) + suffix(ref);
}

/** Whether the text is a full image id: 64 hex digits, or those after "sha256:". Returns the digits. */
export function imageIdentifier(text: string): string | undefined {
  const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  return IDENTIFIER_RE.test(hex) ? hex : undefined;
}

/** The hex digits of what may be the beginning of an image id, or undefined. */
export function identifierPrefix(text: string): string | undefined {
  const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  return /^[a-f0-9]{1,64}$/.test(hex) ? hex : undefined;
}

function suffix(ref: Reference): string {
  return (ref.tag === undefined ? "" : `:${ref.tag}`) + (ref.digest === undefined ? "" : `@${ref.digest}`);
}

/** What stands before the first slash is a host when it has a dot, a port or capitals, or is localhost. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const head = slash < 0 ? "" : text.slice(0, slash);
  const isHost = slash >= 0 && (/[.:]/.test(head) || head === "localhost" || head.toLowerCase() !== head);
  const domain = !isHost || head === LEGACY_DOMAIN ? DEFAULT_DOMAIN : head;
  const rest = isHost ? text.slice(slash + 1) : text;
  return { domain, rest: domain === DEFAULT_DOMAIN && !rest.includes("/") ? OFFICIAL + rest : rest };
}

function checkDigest(digest: string): void {
  const colon = digest.indexOf(":");
  const length = DIGEST_LENGTH[digest.slice(0, colon)];
  if (length === undefined) throw invalid("unsupported digest algorithm");
  const encoded = digest.slice(colon + 1);
  if (encoded.length !== length) throw invalid("invalid checksum digest length");
  if (/[A-F]/.test(encoded)) throw invalid("invalid checksum digest format");
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}
