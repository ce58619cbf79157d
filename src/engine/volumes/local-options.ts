// Options of the volume driver `local` (`volume create -o KEY=VALUE`), with Docker's rules and words: type, o and device
// say what is mounted as the volume (mount(8)); uid, gid and mode are ours and say whose its directory is, size how much
// goes into it: by a project quota, or (type=loop, ours too) because it is a disk in a file. Reads only.

import { parseBytes } from "../../base/bytes.ts";
import { HoyError } from "../../base/error.ts";
import { MS } from "../../linux/mount.ts";

/** What mount(2) is given for a volume that is not a directory of ours. */
export interface DeviceMount {
  readonly type: string;
  readonly device: string;
  /** Bits of MS. */
  readonly flags: number;
  /** One of MS.PRIVATE, SLAVE, SHARED, UNBINDABLE, with MS.REC when given so; 0: as the kernel makes it. */
  readonly propagation: number;
  /** The file system's own options. */
  readonly data: string;
}

/** Whose the volume's top directory is; undefined: root's, 0755. */
export interface VolumeOwner {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly mode: number | undefined;
}

/** Bounds of a disk in a file, in bytes: below, ext4 has hardly any room; above, no file of ext4 goes. */
const LOOP_SIZES = { min: 2 ** 20, max: 2 ** 44 - 2 ** 16 } as const;

export interface LocalOptions {
  readonly mount: DeviceMount | undefined;
  /** Bytes that go into it at most; undefined: as many as there are. Of a tmpfs the kernel keeps it. */
  readonly size: number | undefined;
  readonly owner: VolumeOwner;
}

const KNOWN = ["type", "o", "device", "size", "uid", "gid", "mode"];

/** Which option needs which others (moby volume/local/local_unix.go). */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  device: ["type"],
  type: ["device"],
  o: ["device", "type"],
};

const MAX_ID = 2 ** 32 - 2;

/** @throws HoyError "invalid". */
export function parseLocalOptions(options: Readonly<Record<string, string>>): LocalOptions {
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw invalid(`invalid option: ${JSON.stringify(key)}`);
    if (options[key]?.includes("\0")) throw invalid(`option ${JSON.stringify(key)} holds a zero byte`);
  }
  const loop = options.type === LOOP;
  for (const [key, needed] of Object.entries(loop ? LOOP_NEEDS : NEEDS)) {
    if (options[key] === undefined) continue;
    for (const other of needed) {
      if (options[other] === undefined) throw invalid(`missing required option: ${JSON.stringify(other)}`);
    }
  }
  const owner = parseOwner(options);
  const mount = options.type === undefined ? undefined : loop ? parseLoop(options) : parseDevice(options, owner);
  const ours = mount === undefined || loop;
  if (options.size !== undefined && !ours && mount.type !== "tmpfs") {
    throw new HoyError("invalid", "quota size requested but no quota support", {
      hint: "a volume without a type, of type loop or of type tmpfs takes a size",
    });
  }
  const owned = owner.uid !== undefined || owner.gid !== undefined || owner.mode !== undefined;
  if (owned && !ours && mount.type !== "tmpfs") {
    throw invalid(
      `uid, gid and mode can't be set for a volume of type ${JSON.stringify(mount.type)}: its files are not ours`,
    );
  }
  return { mount, owner, size: ours ? parseBound(options.size, loop) : undefined };
}

/** Whether it is the kernel's client of Windows shares (SMB), by one of its two names. */
export function isCifs(type: string): boolean {
  return type === "cifs" || type === "smb3";
}

/** The words of `o`. Two commas are one in a password of cifs (fs/smb/client/fs_context.c), and end no word. */
export function optionWords(type: string, text: string): string[] {
  return text.split(isCifs(type) ? /(?<!,),(?!,)/ : ",").filter((word) => word !== "");
}

/** The type of a volume that is a file system in a file of ours. */
export const LOOP = "loop";

const LOOP_NEEDS: Readonly<Record<string, readonly string[]>> = { type: ["size"], o: ["type"] };

function parseLoop({ device, o = "" }: Readonly<Record<string, string>>): DeviceMount {
  if (device !== undefined) throw invalid("a volume of type loop takes no device: its file is the engine's");
  const { flags, propagation, data } = parseMountWords(optionWords(LOOP, o));
  if ((flags & MS.BIND) !== 0) throw invalid("invalid mount option: bind");
  // What is deleted in it becomes free outside.
  return { type: LOOP, device: "", flags, propagation, data: ["discard", ...data].join(",") };
}

function parseBound(text: string | undefined, loop: boolean): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes === 0) throw invalid(`invalid size: ${JSON.stringify(text)}`);
  if (loop && (bytes < LOOP_SIZES.min || bytes > LOOP_SIZES.max)) {
    throw invalid(`invalid size: ${JSON.stringify(text)}: a volume of type loop has between 1MiB and 16TiB`);
  }
  return bytes;
}

function parseOwner({ uid, gid, mode }: Readonly<Record<string, string>>): VolumeOwner {
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) throw invalid(`invalid mode: ${JSON.stringify(mode)}`);
  const bits = mode === undefined ? undefined : Number.parseInt(mode, 8);
  if (bits !== undefined && bits > 0o7777) throw invalid(`invalid mode: ${JSON.stringify(mode)}`);
  return { uid: parseId("uid", uid), gid: parseId("gid", gid), mode: bits };
}

function parseId(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) > MAX_ID) throw invalid(`invalid ${key}: ${JSON.stringify(text)}`);
  return Number(text);
}

function parseDevice(options: Readonly<Record<string, string>>, owner: VolumeOwner): DeviceMount {
  const { type = "", device = "", o = "", size } = options;
  if (device === "") throw invalid("missing device in volume options");
  const words = parseMountWords(optionWords(type, o));
  // `type=none,o=bind` and `type=bind` mean the same to mount(8).
  const bind = type === "bind" || type === "rbind" || (words.flags & MS.BIND) !== 0;
  if (bind && !device.startsWith("/")) throw invalid(`device of a bind volume must be an absolute path: ${device}`);
  if (type === "" && !bind) throw invalid("missing type in volume options");
  const flags = words.flags | (bind ? MS.BIND : 0) | (type === "rbind" ? MS.REC : 0);
  const own = type === "tmpfs" ? tmpfsData(size, owner) : [];
  return { type, device, flags, propagation: words.propagation, data: [...words.data, ...own].join(",") };
}

function tmpfsData(size: string | undefined, { uid, gid, mode }: VolumeOwner): string[] {
  const given: [string, string | undefined][] = [
    ["size", size],
    ["uid", uid?.toString()],
    ["gid", gid?.toString()],
    ["mode", mode?.toString(8)],
  ];
  return given.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

const NOATIME = 1024;
const NODIRATIME = 2048;
const RELATIME = 1 << 21;
const STRICTATIME = 1 << 24;

/** Words of `o` that are bits of mount(2): [bits to set, bits to clear]. */
const FLAG_WORDS = new Map<string, readonly [number, number]>([
  ["defaults", [0, 0]],
  ["ro", [MS.RDONLY, 0]],
  ["rw", [0, MS.RDONLY]],
  ["nosuid", [MS.NOSUID, 0]],
  ["suid", [0, MS.NOSUID]],
  ["nodev", [MS.NODEV, 0]],
  ["dev", [0, MS.NODEV]],
  ["noexec", [MS.NOEXEC, 0]],
  ["exec", [0, MS.NOEXEC]],
  ["sync", [16, 0]],
  ["async", [0, 16]],
  ["dirsync", [128, 0]],
  ["mand", [64, 0]],
  ["nomand", [0, 64]],
  ["noatime", [NOATIME, 0]],
  ["atime", [0, NOATIME]],
  ["nodiratime", [NODIRATIME, 0]],
  ["diratime", [0, NODIRATIME]],
  ["relatime", [RELATIME, 0]],
  ["norelatime", [0, RELATIME]],
  ["strictatime", [STRICTATIME, 0]],
  ["nostrictatime", [0, STRICTATIME]],
  ["bind", [MS.BIND, 0]],
  ["rbind", [MS.BIND | MS.REC, 0]],
]);

const PROPAGATION_WORDS = new Map<string, number>(
  Object.entries({ private: MS.PRIVATE, slave: MS.SLAVE, shared: MS.SHARED, unbindable: MS.UNBINDABLE }).flatMap(
    ([word, bit]) => [
      [word, bit],
      [`r${word}`, bit | MS.REC],
    ],
  ),
);

function parseMountWords(words: readonly string[]) {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const word of words) {
    if (word === "remount") throw invalid("invalid mount option: remount");
    const [set, clear] = FLAG_WORDS.get(word) ?? [undefined, 0];
    if (set !== undefined) flags = (flags | set) & ~clear;
    else if (PROPAGATION_WORDS.has(word)) propagation |= PROPAGATION_WORDS.get(word) ?? 0;
    else data.push(word);
  }
  return { flags, propagation, data };
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}
