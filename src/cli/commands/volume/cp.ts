// `volume cp`: files into and out of a volume, without a container.

import { copyCommand } from "../container/cp.ts";

export const cp = copyCommand({
  noun: "volume",
  archive: (name) => `/hoy/volumes/${encodeURIComponent(name)}/archive`,
});
