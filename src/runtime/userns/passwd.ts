// Reads /etc/passwd and /etc/group as an image has them: passwd(5), group(5). The files are hostile input: sizes,
// lines and lists are bounded, and lines that make no sense are passed over as libc does.

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Files larger than this are refused by their reader (`readAccountFile`). */
export const MAX_ACCOUNT_FILE = 4 * 1024 * 1024;
const MAX_LINES = 100_000;

/** The largest id that Docker takes: 2^31-1, though the kernel knows more. */
export const MAX_ID = 2 ** 31 - 1;

function* lines(text: string): Generator<string[]> {
  for (const [index, line] of text.split("\n").entries()) {
    if (index >= MAX_LINES) return;
    const trimmed = line.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) yield trimmed.split(":");
  }
}

/** A whole number in 0…2^31-1 written in decimal digits, else undefined. */
export function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

export function* passwdEntries(text: string): Generator<PasswdEntry> {
  for (const [name = "", , uid = "", gid = "", , home = ""] of lines(text)) {
    const user = parseId(uid);
    const group = parseId(gid);
    if (name === "" || user === undefined || group === undefined) continue;
    yield { name, uid: user, gid: group, home };
  }
}

export function* groupEntries(text: string): Generator<GroupEntry> {
  for (const [name = "", , gid = "", list = ""] of lines(text)) {
    const group = parseId(gid);
    if (name === "" || group === undefined) continue;
    yield { name, gid: group, members: list.split(",").filter((member) => member !== "") };
  }
}
