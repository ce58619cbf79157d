// Options of tmpfs mounts: --tmpfs PATH:OPTIONS, and the TmpfsOptions of --mount.

import type { HostConfig, Mount } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { ResolvedTmpfs } from "./input.ts";

const DEFAULTS = ["noexec", "nosuid", "nodev", "rprivate"];

/** Option → the flag it sets or clears: of two that share one, the later wins. mount(8). */
const FLAGS = new Map<string, string>([
  ...(["ro", "rw"] as const).map((name) => [name, "ro"] as const),
  ...(["suid", "nosuid"] as const).map((name) => [name, "suid"] as const),
  ...(["dev", "nodev"] as const).map((name) => [name, "dev"] as const),
  ...(["exec", "noexec"] as const).map((name) => [name, "exec"] as const),
  ...(["sync", "async"] as const).map((name) => [name, "sync"] as const),
  ...(["mand", "nomand"] as const).map((name) => [name, "mand"] as const),
  ...(["atime", "noatime"] as const).map((name) => [name, "atime"] as const),
  ...(["diratime", "nodiratime"] as const).map((name) => [name, "diratime"] as const),
  ...(["relatime", "norelatime"] as const).map((name) => [name, "relatime"] as const),
  ...(["strictatime", "nostrictatime"] as const).map((name) => [name, "strictatime"] as const),
  ["dirsync", "dirsync"],
  ...["unbindable", "private", "shared", "slave"].flatMap((name) => [
    [name, "propagation"] as const,
    [`r${name}`, "propagation"] as const,
  ]),
]);

const DATA = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);

/**
 * Docker's defaults with the user's options over them; each flag and key once, the last one given.
 * @throws HoyError "invalid" with moby's words
 */
export function tmpfsOptions(options: string): string[] {
  const chosen = new Map<string, string>();
  for (const option of [...DEFAULTS, ...options.split(",")]) {
    if (option === "" || option === "defaults") continue;
    const flag = FLAGS.get(option);
    const key = option.slice(0, Math.max(0, option.indexOf("=")));
    if (flag === undefined && !DATA.has(key)) {
      throw new HoyError("invalid", `invalid tmpfs option ${JSON.stringify(key === "" ? option : key)}`);
    }
    const name = flag ?? key;
    chosen.delete(name);
    chosen.set(name, option);
  }
  return [...chosen.values()];
}

/** Those of HostConfig: `--tmpfs` and `--mount type=tmpfs`. */
export function tmpfsMounts(config: HostConfig): ResolvedTmpfs[] {
  const plain = Object.entries(config.Tmpfs ?? {}).map(([destination, options]) => ({ destination, options }));
  const mounts = (config.Mounts ?? [])
    .filter((mount) => mount.Type === "tmpfs")
    .map((mount) => ({ destination: mount.Target ?? "", options: mountOptions(mount) }));
  return [...plain, ...mounts].map((one) => ({ type: "tmpfs", ...one }));
}

/** @throws HoyError "invalid" for an option that --mount does not take */
function mountOptions(mount: Mount): string {
  const { SizeBytes, Mode, Options } = mount.TmpfsOptions ?? {};
  const extra = (Options ?? []).map(([name = "", value, ...rest]) => {
    if (rest.length > 0 || name === "") throw new HoyError("invalid", "invalid option array length");
    if (name !== "exec" && name !== "noexec") throw new HoyError("invalid", `invalid option: ${name}`);
    return value === undefined ? name : `${name}=${value}`;
  });
  return [
    ...(mount.ReadOnly ? ["ro"] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...extra,
  ].join(",");
}
