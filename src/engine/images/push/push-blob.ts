// One blob of a push, and what is said of it meanwhile, in docker's words.

import type { Repository } from "../../../registry/client/repository.ts";
import { type UploadOptions, upload } from "../../../registry/client/upload.ts";
import type { Say } from "../messages.ts";
import type { PackedBlob } from "./pack.ts";

/** @param id As it is shown. */
export async function pushBlob(
  repository: Repository,
  { descriptor, path }: PackedBlob,
  id: string,
  how: Omit<UploadOptions, "signal" | "onProgress">,
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  say({ status: "Preparing", progressDetail: {}, id });
  const onProgress = (current: number) =>
    say({ status: "Pushing", progressDetail: { current, total: descriptor.size }, id });
  const done = await upload(repository, descriptor, path, { ...how, signal, onProgress });
  const words = { there: "Layer already exists", sent: "Pushed", "handed over": "Pushed", mounted: "" };
  say({ status: done.how === "mounted" ? `Mounted from ${done.from}` : words[done.how], progressDetail: {}, id });
}
