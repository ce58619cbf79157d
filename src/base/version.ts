// Which hoy this is. Set by `--define` when the executable is built; a run from source says so.

declare const HOY_VERSION: string | undefined;
declare const HOY_COMMIT: string | undefined;
declare const HOY_BUILT: string | undefined;

export interface BuildInfo {
  readonly version: string;
  /** Short commit hash, "" when not built from git. */
  readonly commit: string;
  /** RFC 3339, "" when run from source. */
  readonly built: string;
}

export const build: BuildInfo = {
  version: typeof HOY_VERSION === "string" ? HOY_VERSION : "0.1.0-source",
  commit: typeof HOY_COMMIT === "string" ? HOY_COMMIT : "",
  built: typeof HOY_BUILT === "string" ? HOY_BUILT : "",
};

/** The Engine API that is spoken: newest, and oldest still answered. */
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/** How hoy names itself to servers. */
export const userAgent = `hoy/${build.version} (${process.platform}; ${process.arch})`;
