// The ways in which a build's progress is shown. Alone here, so that the flag's help costs nothing more.

export const PROGRESS_MODES = ["auto", "plain", "quiet", "rawjson", "tty"] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];
