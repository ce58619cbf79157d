// What a file system says of the packages in it: the databases of dpkg and apk, and lock files of languages. Each reader
// takes one file's text and gives what it names; what it can't read it leaves out, since the image is anybody's.

export interface FoundPackage {
  readonly name: string;
  readonly version: string;
  /** Package URL, without a version's qualifiers. */
  readonly purl: string;
}

/** Path from the root, without a leading slash → reader; undefined: not such a file. */
export function readerOf(path: string): ((text: string) => FoundPackage[]) | undefined {
  if (path === "var/lib/dpkg/status" || /^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path)) return dpkg;
  if (path === "lib/apk/db/installed" || path === "usr/lib/apk/db/installed") return apk;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return Object.hasOwn(LOCK_FILES, name) ? LOCK_FILES[name] : undefined;
}

const LOCK_FILES: Readonly<Record<string, (text: string) => FoundPackage[]>> = {
  "package-lock.json": npm,
  "Cargo.lock": (text) => tomlPackages(text, "cargo"),
  "poetry.lock": (text) => tomlPackages(text, "pypi"),
  "go.sum": goSum,
};

/** deb822 stanzas; packages that were removed keep theirs, with another status. */
function dpkg(text: string): FoundPackage[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1]?.trim();
    const [name, version, arch = "all", status] = ["Package", "Version", "Architecture", "Status"].map(field);
    if (status !== undefined && !status.endsWith(" installed")) return [];
    return found("deb/debian", name, version, `?arch=${encodeURIComponent(arch)}`);
  });
}

function apk(text: string): FoundPackage[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (letter: string) => new RegExp(`^${letter}:(.*)$`, "m").exec(stanza)?.[1]?.trim();
    return found("apk/alpine", field("P"), field("V"), `?arch=${encodeURIComponent(field("A") ?? "noarch")}`);
  });
}

/** Versions 2 and 3: a map from where a package lies to what it is. */
function npm(text: string): FoundPackage[] {
  let lock: unknown;
  try {
    lock = JSON.parse(text);
  } catch {
    return [];
  }
  const packages = member(lock, "packages");
  if (typeof packages !== "object" || packages === null) return [];
  return Object.entries(packages).flatMap(([path, about]) => {
    const at = path.lastIndexOf("node_modules/");
    const version = member(about, "version");
    if (at < 0 || typeof version !== "string") return [];
    const name = path.slice(at + "node_modules/".length);
    return found("npm", name.replace(/^@/, "%40"), version, "", name);
  });
}

function tomlPackages(text: string, type: string): FoundPackage[] {
  return text.split(/^\[\[package\]\]$/m).flatMap((table, index) => {
    const field = (name: string) => new RegExp(`^${name} = "([^"\\\\]*)"$`, "m").exec(table)?.[1];
    return index === 0 ? [] : found(type, field("name"), field("version"));
  });
}

function goSum(text: string): FoundPackage[] {
  return text.split("\n").flatMap((line) => {
    const [, name, version] = /^(\S+) (v\S+) h1:/.exec(line) ?? [];
    return version?.endsWith("/go.mod") ? [] : found("golang", name, version);
  });
}

function found(
  type: string,
  id: string | undefined,
  version: string | undefined,
  qualifiers = "",
  name = id,
): FoundPackage[] {
  if (id === undefined || id === "" || name === undefined || version === undefined || version === "") return [];
  return [{ name, version, purl: `pkg:${type}/${id}@${encodeURIComponent(version)}${qualifiers}` }];
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
