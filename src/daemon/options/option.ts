// What an option of the daemon is: one row for the flag, the key in daemon.json, its type, default, help and standing.
// The tables beside this hold the rows; flags.ts, file.ts, help.ts and docs/configuration.md are all made from them.

/** How a value is written, on the command line and in the file. */
export type OptionType =
  | "bool"
  | "string"
  | "int"
  | "bytes" // 64m, or a number of bytes
  | "list" // flag given several times; array of strings in the file
  | "map" // key=value; object of strings in the file
  | "mapmap" // driver=key=value; object of objects in the file
  | "ulimits" // name=soft[:hard]; object of {Name, Soft, Hard}
  | "runtimes" // name=path; object of {path, runtimeArgs}
  | "pools" // base=CIDR,size=N; array of {base, size}
  | "flags" // name=true; object of booleans
  | "object"; // file only, read where it is used

/** Whether it does anything here. Anything but "used" is said to the user, never passed over. */
export type Standing =
  | { readonly kind: "used" }
  /** Accepted with a warning: what it changes in dockerd does not exist in hoy. */
  | { readonly kind: "no-effect"; readonly why: string }
  /** An error: it would change what the user gets, and is not there. */
  | { readonly kind: "missing"; readonly why: string };

export interface Option {
  /** Flag without dashes; undefined: only in the file. */
  readonly flag: string | undefined;
  readonly short?: string;
  /** Key in daemon.json; undefined: only a flag. */
  readonly key: string | undefined;
  readonly type: OptionType;
  readonly help: string;
  readonly fallback?: OptionValue;
  /** Values that a string may have. */
  readonly choices?: readonly string[];
  readonly standing?: Standing;
  /** SIGHUP takes a new value from the file. */
  readonly reload?: boolean;
  /** Flag and file add up instead of being a conflict, as in dockerd. */
  readonly merges?: boolean;
}

export interface UlimitValue {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface RuntimeValue {
  readonly path: string;
  readonly args: readonly string[];
}

export type OptionValue =
  | boolean
  | string
  | number
  | readonly string[]
  | Readonly<Record<string, string>>
  | Readonly<Record<string, boolean>>
  | Readonly<Record<string, Readonly<Record<string, string>>>>
  | readonly UlimitValue[]
  | Readonly<Record<string, RuntimeValue>>
  | readonly { readonly base: string; readonly size: number }[]
  | { readonly [key: string]: unknown };

/** The name an option has in the tables of values: its flag, or its key when it has none. */
export function nameOf(option: Option): string {
  return option.flag ?? option.key ?? "";
}

export function noEffect(why: string): Standing {
  return { kind: "no-effect", why };
}

export function missing(why: string): Standing {
  return { kind: "missing", why };
}
