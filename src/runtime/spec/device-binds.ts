// --device in a user namespace. The kernel makes no node there (mknod(2): EPERM), and a bind of the host's has an owner
// that does not exist inside, so that only what is open to everybody could be used. So the daemon makes a node of the
// same numbers, owned by the container's ids, and that is bound. The devices cgroup still says what may be done.

import { join } from "node:path";
import type { DeviceNode, IdMap, StagedBind } from "../contract.ts";
import type { OciDevice, OciMount } from "../oci.ts";
import { toHostId } from "../userns/allocate.ts";

export interface DeviceBinds {
  readonly binds: readonly StagedBind[];
  readonly mounts: readonly OciMount[];
}

/**
 * @param directory where the nodes are made, one a device, by number
 * @param stage gives the staging point for a number
 */
export function deviceBinds(
  devices: readonly OciDevice[],
  idMap: IdMap,
  directory: string,
  stage: (index: number) => string,
): DeviceBinds {
  const made = devices.map((device, index) => {
    const node = nodeOf(device, idMap);
    const target = stage(index);
    return {
      bind: { source: join(directory, String(index)), target, recursive: false, idmap: false, node },
      mount: {
        destination: device.path,
        type: "bind",
        source: target,
        options: ["bind", "nosuid", "noexec", "rprivate"],
      },
    };
  });
  return { binds: made.map((one) => one.bind), mounts: made.map((one) => one.mount) };
}

/** An owner that the container does not know becomes its root. */
function nodeOf(device: OciDevice, idMap: IdMap): DeviceNode {
  const root = { uid: toHostId(idMap.uids, 0) ?? 0, gid: toHostId(idMap.gids, 0) ?? 0 };
  return {
    type: device.type === "u" ? "c" : device.type,
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    mode: (device.fileMode ?? 0o600) & 0o777,
    uid: toHostId(idMap.uids, device.uid ?? 0) ?? root.uid,
    gid: toHostId(idMap.gids, device.gid ?? 0) ?? root.gid,
  };
}
