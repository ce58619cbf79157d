// An image's config as a frontend gives it: whole, but for the layers, which are not there yet.

import { sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { type ImageConfigFile, parseConfig } from "../../image/config.ts";

const MAX_LAYERS = 1000;

/** Its `rootfs` means nothing. @throws HoyError "invalid" */
export function parseDraftConfig(bytes: Uint8Array): ImageConfigFile {
  let draft: unknown;
  try {
    draft = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (thrown) {
    throw new HoyError("invalid", "the image config is not valid JSON", { cause: thrown });
  }
  if (typeof draft !== "object" || draft === null) throw new HoyError("invalid", "the image config is not valid");
  // As many layers as its history has, so that all the rest of it is checked as a config is.
  const history = "history" in draft && Array.isArray(draft.history) ? draft.history : [];
  const filled = history.filter((entry: unknown) => !isEmptyLayer(entry)).length;
  if (filled > MAX_LAYERS) throw new HoyError("too-large", `an image of more than ${MAX_LAYERS} layers`);
  const rootfs = { type: "layers", diff_ids: Array.from({ length: filled }, () => sha256("")) };
  return parseConfig(Buffer.from(JSON.stringify({ ...draft, rootfs })));
}

function isEmptyLayer(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && "empty_layer" in entry && entry.empty_layer === true;
}
