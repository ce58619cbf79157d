// A bill of materials of a tree, as SPDX 2.3: what its package databases and lock files name. Nothing of the image is run,
// and no scanner is fetched; what lies in a tree without being in one of those is not found.

import { HoyError } from "../../../../base/error.ts";
import { O, OwnedFd } from "../../../../linux/open.ts";
import { S } from "../../../../linux/stat.ts";
import { rawToText } from "../../../../storage/tar/entry.ts";
import { reopen, walkTree } from "../../../../storage/tree/walk.ts";
import type { Layers } from "../../../needs.ts";
import { readFrom } from "../../../ops/tree/data.ts";
import { openLayers } from "../../../ops/tree/read-file.ts";
import type { Tree } from "../../../solver-contract.ts";
import type { Statement } from "./attestation.ts";
import { type FoundPackage, readerOf } from "./packages.ts";

const FILE_LIMIT = 64 * 1024 * 1024;
const MAX_PACKAGES = 200_000;
const MAX_FILES = 10_000;

export async function sbom(
  tree: Tree,
  subjects: readonly string[],
  layers: Pick<Layers, "mount">,
  { now, signal }: { readonly now: string; readonly signal: AbortSignal },
): Promise<Statement> {
  const packages = new Map<string, FoundPackage & { readonly path: string }>();
  using root = await openLayers(layers, tree.diffIds);
  let files = 0;
  for (const { path: raw, fd, status } of walkTree(root.fd)) {
    signal.throwIfAborted();
    const path = rawToText(raw).replace(/^\.?\//, "");
    const read = (status.mode & S.IFMT) === S.IFREG ? readerOf(path) : undefined;
    if (read === undefined || Number(status.size) > FILE_LIMIT || ++files > MAX_FILES) continue;
    using file = new OwnedFd(reopen(fd, O.RDONLY));
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFrom(file.fd, 0, Number(status.size), signal)) chunks.push(chunk);
    for (const each of read(Buffer.concat(chunks).toString("utf8"))) packages.set(each.purl, { ...each, path });
    if (packages.size > MAX_PACKAGES) throw new HoyError("too-large", `an image of more than ${MAX_PACKAGES} packages`);
  }
  const predicate = documentOf([...packages.values()], tree, now);
  return { predicateType: "https://spdx.dev/Document", predicate, subjects };
}

function documentOf(packages: readonly (FoundPackage & { readonly path: string })[], tree: Tree, now: string): object {
  const described = packages.map(({ name, version, purl, path }, index) => ({
    SPDXID: `SPDXRef-Package-${index + 1}`,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    sourceInfo: `found in /${path}`,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
  }));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "sbom",
    documentNamespace: `urn:hoy:sbom:${tree.key.slice("sha256:".length)}`,
    // To the second, as SPDX has it.
    creationInfo: { creators: ["Tool: hoy"], created: now.replace(/\.\d+/, "") },
    packages: described,
    relationships: described.map(({ SPDXID }) => ({
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: SPDXID,
    })),
  };
}
