// `volume resize`: another size for a volume that was made with one. A directory's limit is changed at once, whoever uses it; a
// disk in a file must not be mounted meanwhile.

import { dirname } from "node:path";
import { HoyError, leadIn } from "../../base/error.ts";
import { limitDirectories } from "../disk-limit.ts";
import type { EventBus } from "../events/bus.ts";
import { resizeDisk } from "./disk-resize.ts";
import { parseLocalOptions } from "./local-options.ts";
import type { VolumeStore } from "./store.ts";

/**
 * The row comes last: should the engine die before it, the volume has another size than it says, and the same again puts that
 * right. @param size as in the option `size`: "10g"
 * @throws HoyError "not-found"; "invalid" for a volume without a size, and a size that is none; "conflict" while it is mounted
 */
export async function resizeVolume(store: VolumeStore, events: EventBus, name: string, size: string): Promise<void> {
  await store.inspect(name);
  const { options = {} } = store.get(name) ?? {};
  if (parseLocalOptions(options).size === undefined) {
    throw new HoyError("invalid", `resize ${name}: it has no size that the engine keeps`, {
      hint: "volumes of type loop have one, and those made with the option size where there are project quotas",
    });
  }
  const wanted = { ...options, size };
  const data = store.dataPath(name);
  try {
    const { mount, size: bytes } = parseLocalOptions(wanted);
    if (bytes === undefined) throw new HoyError("invalid", `invalid size: ${JSON.stringify(size.slice(0, 60))}`);
    if (mount === undefined) {
      limitDirectories(dirname(dirname(dirname(data))), [data], bytes);
      store.setOptions(name, wanted);
    } else {
      await store.alone(name, async () => {
        await store.inspect(name); // it may have another name by now, or be gone
        await resizeDisk(data, bytes);
        store.setOptions(name, wanted);
      });
    }
  } catch (error) {
    throw leadIn(`resize ${name}`, error);
  }
  events.emit("volume", "resize", name, { driver: "local", size });
}
