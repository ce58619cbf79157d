// --mount: comma-separated key=value options of one mount.

import { isAbsolute, resolve } from "node:path";
import type { Mount } from "../../api/types/container.ts";
import { parseCsvRecord } from "../base/csv.ts";
import { UsageError } from "../base/errors.ts";
import { parseBool } from "../base/numbers.ts";
import { cut } from "../base/text.ts";
import { parseBytes } from "../format/units.ts";

const SWITCHES = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"]);

/** `cwd` is what a source that starts with "." is relative to. @throws UsageError in docker's words. */
export function parseMount(text: string, cwd: string): Mount {
  if (text.trim() === "") throw new UsageError("value is empty");
  const mount: Mount = { Type: "volume" };
  for (const field of parseCsvRecord(text.trim())) {
    const [written, value] = cut(field, "=");
    const bare = !field.includes("=");
    const key = written.toLowerCase();
    if (bare && !SWITCHES.has(key)) throw new UsageError(`invalid field '${field}' must be a key=value pair`);
    setField(mount, key, value, { bare, field, cwd });
  }
  validate(mount);
  return mount;
}

interface Place {
  readonly bare: boolean;
  readonly field: string;
  readonly cwd: string;
}

function setField(mount: Mount, key: string, value: string, place: Place): void {
  switch (key) {
    case "type":
      mount.Type = value.toLowerCase() as Mount["Type"];
      return;
    case "source":
    case "src":
      mount.Source = value.startsWith(".") && !isAbsolute(value) ? resolve(place.cwd, value) : value;
      return;
    case "target":
    case "dst":
    case "destination":
      mount.Target = value;
      return;
    case "readonly":
    case "ro":
      mount.ReadOnly = parseSwitch(key, value, place.bare);
      return;
    case "consistency":
      mount.Consistency = value.toLowerCase();
      return;
    default:
      setTypedField(mount, key, value, place);
  }
}

function setTypedField(mount: Mount, key: string, value: string, place: Place): void {
  if (key.startsWith("bind-")) setBind(mount, key, value, place);
  else if (key.startsWith("volume-")) setVolume(mount, key, value, place);
  else setOtherField(mount, key, value, place);
}

function setOtherField(mount: Mount, key: string, value: string, place: Place): void {
  switch (key) {
    case "image-subpath":
      mount.ImageOptions = { ...mount.ImageOptions, Subpath: value };
      return;
    case "tmpfs-size":
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: orInvalid(key, value, () => parseBytes(value)) };
      return;
    case "tmpfs-mode":
      if (!/^[0-7]{1,11}$/.test(value)) throw new UsageError(`invalid value for ${key}: ${value}`);
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
      return;
    default:
      throw new UsageError(`unexpected key '${key}' in '${place.field}'`);
  }
}

function setBind(mount: Mount, key: string, value: string, place: Place): void {
  const bind: NonNullable<Mount["BindOptions"]> = { ...mount.BindOptions };
  mount.BindOptions = bind;
  switch (key) {
    case "bind-propagation":
      bind.Propagation = value.toLowerCase() as typeof bind.Propagation;
      return;
    case "bind-nonrecursive":
      bind.NonRecursive = parseSwitch(key, value, place.bare);
      return;
    case "bind-create-src":
      bind.CreateMountpoint = parseSwitch(key, value, place.bare);
      return;
    case "bind-recursive":
      setRecursion(bind, key, value);
      return;
    default:
      throw new UsageError(`unexpected key '${key}' in '${place.field}'`);
  }
}

function setRecursion(bind: NonNullable<Mount["BindOptions"]>, key: string, value: string): void {
  switch (value) {
    case "enabled":
      return;
    case "disabled":
      bind.NonRecursive = true;
      return;
    case "writable":
      bind.ReadOnlyNonRecursive = true;
      return;
    case "readonly":
      bind.ReadOnlyForceRecursive = true;
      return;
    default:
      throw new UsageError(
        `invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function setVolume(mount: Mount, key: string, value: string, place: Place): void {
  const volume: NonNullable<Mount["VolumeOptions"]> = { ...mount.VolumeOptions };
  mount.VolumeOptions = volume;
  const [name, setting] = cut(value, "=");
  switch (key) {
    case "volume-subpath":
      volume.Subpath = value;
      return;
    case "volume-nocopy":
      volume.NoCopy = parseSwitch(key, value, place.bare);
      return;
    case "volume-label":
      if (name !== "") volume.Labels = { ...volume.Labels, [name]: setting };
      return;
    case "volume-driver":
      volume.DriverConfig = { ...volume.DriverConfig, Name: value };
      return;
    case "volume-opt":
      volume.DriverConfig = { ...volume.DriverConfig };
      if (name !== "") volume.DriverConfig.Options = { ...volume.DriverConfig.Options, [name]: setting };
      return;
    default:
      throw new UsageError(`unexpected key '${key}' in '${place.field}'`);
  }
}

function parseSwitch(key: string, value: string, bare: boolean): boolean {
  return bare || orInvalid(key, value, () => parseBool(value));
}

function orInvalid<T>(key: string, value: string, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof UsageError) throw new UsageError(`invalid value for ${key}: ${value}`);
    throw thrown;
  }
}

function validate(mount: Mount): void {
  if ((mount.Type as string) === "") throw new UsageError("type is required");
  if ((mount.Target ?? "") === "") throw new UsageError("target is required");
  if (mount.Type !== "bind" && mount.BindOptions !== undefined) throw mixed("bind", mount);
  if (mount.Type !== "volume" && mount.VolumeOptions !== undefined) throw mixed("volume", mount);
  if (mount.Type !== "image" && mount.ImageOptions !== undefined) throw mixed("image", mount);
  if (mount.Type !== "tmpfs" && mount.TmpfsOptions !== undefined) throw mixed("tmpfs", mount);
  const bind = mount.BindOptions;
  if (bind?.ReadOnlyNonRecursive === true && mount.ReadOnly !== true)
    throw new UsageError("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  if (bind?.ReadOnlyForceRecursive !== true) return;
  if (mount.ReadOnly !== true)
    throw new UsageError("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  if (bind.Propagation !== "rprivate")
    throw new UsageError(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
}

const mixed = (kind: string, mount: Mount) =>
  new UsageError(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
