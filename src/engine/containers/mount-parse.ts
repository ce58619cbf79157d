// Reads what users say about mounts: `-v` (HostConfig.Binds), `--mount` (HostConfig.Mounts) and `--volumes-from`, with
// Docker's rules and words (moby volume/mounts/linux_parser.go). Looks at nothing on disk and makes nothing.

import { posix } from "node:path";
import type { Mount } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";

export interface WantedMount {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** A bind's absolute path; a volume's name, "" when it has none yet; an image as the user names it. */
  readonly source: string;
  readonly destination: string;
  readonly mode: string;
  readonly rw: boolean;
  readonly propagation: string;
  readonly copyUp: boolean;
  readonly createSource: boolean;
  readonly recursive: boolean;
  readonly readOnlyBelow: "try" | "no" | "force";
  readonly subpath: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/** Option words of `-v`, by the group of which one may be given. */
const GROUPS: readonly (readonly string[])[] = [
  ["rw", "ro"],
  ["z", "Z"],
  PROPAGATIONS,
  ["nocopy"],
  ["consistent", "cached", "delegated", "default"],
];

/** One `-v`: `/in/container`, `source:target` or `source:target:options`. @throws HoyError "invalid". */
export function parseBind(raw: string, volumeDriver: string): WantedMount {
  const parts = raw.split(":");
  const [first = "", second, third] = parts;
  const bad = (why = "") => new HoyError("invalid", `invalid volume specification: '${raw}'${why && `: ${why}`}`);
  if (first === "" || parts.length > 3 || (second !== undefined && third === undefined && validMode(second))) {
    throw bad();
  }
  const mode = third ?? "";
  if (!validMode(mode)) throw new HoyError("invalid", `invalid mode: ${mode}`);
  const words = mode.split(",");
  const source = second === undefined ? "" : first;
  const type = source.startsWith("/") ? "bind" : "volume";
  const wanted: Mount = { Type: type, Source: source, Target: second ?? first };
  const problem = targetProblem(wanted.Target ?? "");
  if (problem !== undefined) throw bad(mountError(type, problem).message);
  const propagation = words.find((word) => PROPAGATIONS.includes(word));
  const unfit = type === "volume" ? propagation !== undefined && "Bind" : words.includes("nocopy") && "Volume";
  if (unfit !== false) throw bad(mountError(type, `field ${unfit}Options must not be specified`).message);
  return {
    ...blank(type, posix.normalize(wanted.Target ?? "")),
    source: type === "bind" ? cleanPath(source) : source,
    // What Docker makes of a named volume's empty mode.
    mode: mode === "" && type === "volume" && source !== "" ? "z" : mode,
    rw: !words.includes("ro"),
    propagation: type === "bind" ? (propagation ?? "rprivate") : "",
    copyUp: type === "volume" && !words.includes("nocopy"),
    createSource: type === "bind",
    driver: type === "volume" ? volumeDriver || "local" : "",
  };
}

function validMode(mode: string): boolean {
  if (mode === "") return true;
  const words = mode.split(",");
  return (
    words.every((word) => GROUPS.some((group) => group.includes(word))) &&
    GROUPS.every((group) => words.filter((word) => group.includes(word)).length <= 1)
  );
}

/** One `--mount`. @throws HoyError "invalid". */
export function parseMount(mount: Mount): WantedMount {
  const type = mount.Type ?? "bind";
  const fail = (why: string) => mountError(type, why);
  const target = mount.Target ?? "";
  const source = mount.Source ?? "";
  const problem = targetProblem(target);
  if (problem !== undefined) throw fail(problem);
  const base = { rw: !mount.ReadOnly, mode: "" };
  switch (type) {
    case "bind": {
      const options = mount.BindOptions ?? {};
      if (source === "") throw fail("field Source must not be empty");
      if (options.Propagation && !PROPAGATIONS.includes(options.Propagation)) {
        throw fail(`invalid propagation mode: ${options.Propagation}`);
      }
      refuse(mount, "VolumeOptions", "ImageOptions", "TmpfsOptions");
      if (!source.startsWith("/")) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
      return {
        ...blank("bind", posix.normalize(target)),
        ...base,
        source: cleanPath(source),
        propagation: options.Propagation || "rprivate",
        createSource: options.CreateMountpoint ?? false,
        recursive: !options.NonRecursive,
        readOnlyBelow: options.ReadOnlyForceRecursive ? "force" : options.ReadOnlyNonRecursive ? "no" : "try",
      };
    }
    case "volume": {
      const options = mount.VolumeOptions ?? {};
      refuse(mount, "BindOptions", "ImageOptions", "TmpfsOptions");
      if (mount.ReadOnly && source === "") {
        throw fail("must not set ReadOnly mode when using anonymous volumes");
      }
      if (options.Subpath && source === "") throw fail("must not set Subpath when using anonymous volumes");
      if (options.Subpath && !isLocal(options.Subpath)) throw fail("subpath must be a relative path within the volume");
      return {
        ...blank("volume", posix.normalize(target)),
        ...base,
        mode: "z",
        source,
        copyUp: !options.NoCopy,
        subpath: options.Subpath ?? "",
        driver: options.DriverConfig?.Name || "local",
        driverOptions: options.DriverConfig?.Options ?? {},
        labels: options.Labels ?? {},
      };
    }
    case "tmpfs": {
      refuse(mount, "BindOptions", "VolumeOptions", "ImageOptions");
      if (source !== "") throw fail("field Source must not be specified");
      return { ...blank("tmpfs", posix.normalize(target)), ...base };
    }
    case "image": {
      const subpath = mount.ImageOptions?.Subpath ?? "";
      refuse(mount, "BindOptions", "VolumeOptions", "TmpfsOptions");
      if (source === "") throw fail("field Source must not be empty");
      if (subpath !== "" && !isLocal(subpath)) throw fail("subpath must be a relative path within the volume");
      return { ...blank("image", posix.normalize(target)), source, rw: false, propagation: "rprivate", subpath };
    }
    default:
      throw fail("mount type unknown");
  }
}

/** Options of another type of mount, in the order in which Docker looks at them. */
function refuse(mount: Mount, ...options: ("BindOptions" | "VolumeOptions" | "ImageOptions" | "TmpfsOptions")[]): void {
  for (const name of options) {
    if (mount[name]) throw mountError(mount.Type ?? "bind", `field ${name} must not be specified`);
  }
}

export interface VolumesFrom {
  readonly container: string;
  readonly readOnly: boolean;
}

/** `NAME[:ro|rw]`. @throws HoyError "invalid". */
export function parseVolumesFrom(text: string): VolumesFrom {
  if (text === "") throw new HoyError("invalid", "volumes-from specification cannot be an empty string");
  const colon = text.indexOf(":");
  const mode = colon < 0 ? "rw" : text.slice(colon + 1) || "rw";
  const words = mode.split(",");
  const unfit = words.some((word) => PROPAGATIONS.includes(word) || word === "nocopy");
  if (!validMode(mode) || unfit) throw new HoyError("invalid", `invalid mode: ${mode}`);
  return { container: colon < 0 ? text : text.slice(0, colon), readOnly: words.includes("ro") };
}

/** A volume at a path that an image or `--volume /path` names. */
export function anonymousVolume(destination: string, driver: string): WantedMount {
  return { ...blank("volume", posix.normalize(destination)), copyUp: true, driver: driver || "local" };
}

function blank(type: WantedMount["type"], destination: string): WantedMount {
  return {
    type,
    source: "",
    destination: destination.length > 1 && destination.endsWith("/") ? destination.slice(0, -1) : destination,
    mode: "",
    rw: true,
    propagation: "",
    copyUp: false,
    createSource: false,
    recursive: true,
    readOnlyBelow: "try",
    subpath: "",
    driver: "",
    driverOptions: {},
    labels: {},
  };
}

function targetProblem(target: string): string | undefined {
  if (target === "") return "field Target must not be empty";
  if (target.includes("\0")) return "field Target must not contain a zero byte";
  if (!target.startsWith("/")) return `invalid mount path: '${target}' mount path must be absolute`;
  if (cleanPath(target) === "/") return "invalid specification: destination can't be '/'";
  return undefined;
}

function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

/** Stays where it is put, whatever is joined before it. */
function isLocal(path: string): boolean {
  const clean = posix.normalize(path);
  return !clean.startsWith("/") && clean !== ".." && !clean.startsWith("../") && !path.includes("\0");
}

/** Docker's wrapper around what is wrong with one mount. */
export function mountError(type: string, why: string): HoyError {
  return new HoyError("invalid", `invalid mount config for type ${JSON.stringify(type)}: ${why}`);
}
