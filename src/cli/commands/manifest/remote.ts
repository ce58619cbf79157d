// Manifests at registries, asked for by the client itself: making a list needs no engine.

import { userAgent } from "../../../base/version.ts";
import { parseConfig } from "../../../image/config.ts";
import { platformSchema } from "../../../image/descriptor.ts";
import { readJson } from "../../../image/json.ts";
import { type Index, type Manifest, parseManifest } from "../../../image/manifest.ts";
import { isConfigType } from "../../../image/media-types.ts";
import { normalizePlatform } from "../../../image/platform.ts";
import { familiarString, type Reference } from "../../../image/reference.ts";
import { CERTS_DIRS } from "../../../registry/client/endpoint.ts";
import { Repository } from "../../../registry/client/repository.ts";
import { readSmallBlob } from "../../../registry/client/small-blob.ts";
import { ExitError } from "../../base/errors.ts";
import { getCredentials, registryKey } from "../../config/credentials.ts";
import type { ConfigFile } from "../../config/file.ts";
import type { Member } from "./local.ts";

/** @param insecure Its certificate is not checked, and it may speak plain HTTP. */
export async function openRepository(config: ConfigFile, ref: Reference, insecure: boolean): Promise<Repository> {
  const settings = {
    mirrors: [],
    insecure: insecure ? [ref.domain] : [],
    certsDirs: CERTS_DIRS,
    maxDownloads: 3,
    maxUploads: 5,
    maxDownloadAttempts: 5,
  };
  const auth = await getCredentials(config, registryKey(ref.domain));
  return new Repository({ domain: ref.domain, path: ref.path, auth, settings, userAgent });
}

export interface Remote {
  readonly document: Manifest | Index;
  readonly bytes: Uint8Array;
  readonly digest: Member["descriptor"]["digest"];
  readonly repository: Repository;
}

/** @throws HoyError "not-found", what the registry says. */
export async function fetchManifest(
  config: ConfigFile,
  ref: Reference,
  insecure: boolean,
  signal: AbortSignal,
): Promise<Remote> {
  const repository = await openRepository(config, ref, insecure);
  const { bytes, digest } = await repository.manifest(ref.digest ?? ref.tag ?? "latest", signal);
  return { document: parseManifest(bytes), bytes, digest, repository };
}

/** An image as a member of a list: its platform is read from its config. @throws ExitError for what is a list itself. */
export async function fetchMember(
  config: ConfigFile,
  ref: Reference,
  insecure: boolean,
  signal: AbortSignal,
): Promise<Member> {
  const { document, bytes, digest, repository } = await fetchManifest(config, ref, insecure, signal);
  if (document.kind === "index") throw new ExitError(1, `${familiarString(ref)} is a manifest list`);
  return {
    ref,
    bytes,
    descriptor: {
      mediaType: document.mediaType,
      digest,
      size: bytes.byteLength,
      platform: await platformOf(repository, document, signal),
    },
  };
}

async function platformOf(repository: Repository, { config }: Manifest, signal: AbortSignal) {
  const bytes = await readSmallBlob(repository, config.digest, signal);
  const said = readJson(platformSchema, bytes, "image config", bytes.byteLength);
  const { os, architecture, variant } = isConfigType(config.mediaType) ? normalizePlatform(parseConfig(bytes)) : said;
  const { "os.version": version, "os.features": features } = said;
  return {
    architecture,
    os,
    ...(version ? { "os.version": version } : {}),
    ...(features ? { "os.features": features } : {}),
    ...(variant ? { variant } : {}),
  };
}
