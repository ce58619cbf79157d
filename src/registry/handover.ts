// A push to a registry on the same host, whose blobs are there already, in the engine's content store: instead of the bytes,
// the engine sends a proof that it can read them, and the registry makes a second name for the same file. The proof is
// made with a key that lies beside the blobs, mode 0600: who can read the key can read every blob there. It holds for
// one blob and one repository. Both sides of it are here; docs/decisions/registry-handover.md says why it is safe.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** `<digest> <proof>`, with the request that begins an upload. */
export const HANDOVER_HEADER = "Hoy-Handover";

const FILE = "handover-key";
const LENGTH = 32;

/** @param blobs The folder that has sha256/. @returns undefined when no registry on this host has made a key. */
export async function handoverKey(blobs: string): Promise<Uint8Array | undefined> {
  try {
    const key = await readFile(join(blobs, FILE));
    return key.length === LENGTH ? key : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The key, made if there is none: whole from the first moment, whoever else makes one at the same time. */
export async function makeHandoverKey(blobs: string): Promise<Uint8Array> {
  const draft = join(blobs, `${FILE}.${randomBytes(6).toString("hex")}`);
  try {
    await using file = await open(draft, "wx", 0o600);
    await file.write(randomBytes(LENGTH));
    await file.sync();
    await link(draft, join(blobs, FILE)).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const key = await handoverKey(blobs);
  if (key === undefined) throw new Error(`${join(blobs, FILE)} is not a key of ${LENGTH} bytes`);
  return key;
}

export function handoverProof(key: Uint8Array, repository: string, digest: string): string {
  return `${digest} ${mac(key, repository, digest).toString("base64url")}`;
}

/** The digest that a header proves; undefined for everything else. */
export function provenDigest(key: Uint8Array, repository: string, header: string): string | undefined {
  const [, digest, given] = /^(sha256:[0-9a-f]{64}) ([A-Za-z0-9_-]{43})$/.exec(header) ?? [];
  if (digest === undefined || given === undefined) return undefined;
  return timingSafeEqual(Buffer.from(given, "base64url"), mac(key, repository, digest)) ? digest : undefined;
}

function mac(key: Uint8Array, repository: string, digest: string): Buffer {
  return createHmac("sha256", key).update(`hoy handover\n${repository}\n${digest}`).digest();
}
