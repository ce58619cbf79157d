// Archives that `docker save` wrote before Docker 1.10: a `repositories` file, and for each layer a directory with
// `json` (image-spec v1) and `layer.tar`. They know no digests: the config is made here, so the id is a new one.

import * as v from "valibot";
import { HoyError } from "../../base/error.ts";
import { type HistoryEntry, type ImageConfigFile, parseConfig, writeConfig } from "../../image/config.ts";
import { optional, readJson } from "../../image/json.ts";
import { LAYER_LIMIT } from "../../image/manifest.ts";
import { canonicalString, parseReference, withTag } from "../../image/reference.ts";
import type { Cargo, CargoLayer } from "./load-cargo.ts";
import type { PlannedImage } from "./load-plan.ts";

const repositoriesSchema = v.record(v.string(), v.record(v.string(), v.string()));
const v1Schema = v.looseObject({
  parent: optional(v.string()),
  created: optional(v.string()),
  author: optional(v.string()),
  comment: optional(v.string()),
  architecture: optional(v.string()),
  os: optional(v.string()),
  config: optional(v.looseObject({})),
  container_config: optional(v.looseObject({ Cmd: optional(v.array(v.string())) })),
});
type V1Image = v.InferOutput<typeof v1Schema>;

/** SHA-256 of a tar with nothing in it but its end. */
const EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/** Undefined when the archive is of a newer kind. */
export async function legacyImages(cargo: Cargo): Promise<PlannedImage[] | undefined> {
  const bytes = cargo.document("repositories");
  if (bytes === undefined || cargo.has("manifest.json") || cargo.has("index.json")) return undefined;
  const repositories = readJson(repositoriesSchema, bytes, "archive's repositories file");
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(tags)) {
      const name = canonicalString(withTag(parseReference(repository), tag));
      names.set(id, [...(names.get(id) ?? []), name]);
    }
  }
  const images: PlannedImage[] = [];
  for (const [id, list] of names) images.push({ ...(await imageOf(cargo, id)), names: list });
  return images;
}

async function imageOf(cargo: Cargo, id: string): Promise<PlannedImage> {
  const line = lineage(cargo, id);
  const layers: CargoLayer[] = [];
  const paths: string[] = [];
  const history: HistoryEntry[] = [];
  for (const { id: one, image } of line) {
    const path = `${one}/layer.tar`;
    const layer = await cargo.anyLayer(path);
    const isEmpty = layer.layer.diffId === EMPTY_TAR;
    if (!isEmpty) {
      layers.push(layer);
      paths.push(path);
    }
    history.push({
      created: image.created,
      created_by: image.container_config?.Cmd?.join(" "),
      author: image.author,
      comment: image.comment,
      ...(isEmpty ? { empty_layer: true } : {}),
    });
  }
  const top = line.at(-1)?.image;
  const made: ImageConfigFile = {
    created: top?.created,
    author: top?.author,
    comment: top?.comment,
    architecture: top?.architecture ?? "",
    os: top?.os ?? "linux",
    // Unchecked here; parseConfig below checks what it becomes.
    config: top?.config as ImageConfigFile["config"],
    rootfs: { type: "layers", diff_ids: layers.map(({ layer }) => layer.diffId) },
    history,
  };
  const config = writeConfig(made);
  return {
    config,
    parsed: parseConfig(config),
    layers: paths,
    names: [],
    manifest: undefined,
    indexes: [],
    index: undefined,
    parent: undefined,
  };
}

/** The image and its ancestors, oldest first. */
function lineage(cargo: Cargo, id: string): { id: string; image: V1Image }[] {
  const line: { id: string; image: V1Image }[] = [];
  for (let at: string | undefined = id; at !== undefined && at !== ""; ) {
    if (!/^[0-9a-f]{64}$/.test(at)) throw new HoyError("invalid", `invalid archive: ${at} is not an image id`);
    const bytes = cargo.document(`${at}/json`);
    if (bytes === undefined) throw new HoyError("invalid", `invalid archive: the file ${at}/json is missing`);
    const image: V1Image = readJson(v1Schema, bytes, `archive's file ${at}/json`);
    line.push({ id: at, image });
    if (line.length > LAYER_LIMIT) throw new HoyError("invalid", "invalid archive: an image has too many ancestors");
    at = image.parent;
  }
  return line.reverse();
}
