// For tests: the OCI spec of a small container, and the ids that it is mapped to.

import type { IdMap } from "../../contract.ts";
import type { OciSpec } from "../../oci.ts";

export const CGROUP_PARENT = "/hoy-shim-test";

export const BASE = 700_000;
export const ID_MAP: IdMap = {
  uids: [{ container: 0, host: BASE, size: 65_536 }],
  gids: [{ container: 0, host: BASE, size: 65_536 }],
};

const CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"];

export function makeSpec(
  id: string,
  rootfs: string,
  args: readonly string[],
  idMap: IdMap | undefined,
  terminal: boolean,
): OciSpec {
  const mappings = (ranges: IdMap["uids"]) =>
    ranges.map((range) => ({ containerID: range.container, hostID: range.host, size: range.size }));
  const namespaces: OciSpec["linux"]["namespaces"] = [
    { type: "pid" },
    { type: "mount" },
    { type: "ipc" },
    { type: "uts" },
    { type: "network" },
  ];
  if (idMap !== undefined) namespaces.push({ type: "user" });
  const capabilities = {
    bounding: [...CAPABILITIES],
    effective: [...CAPABILITIES],
    permitted: [...CAPABILITIES],
    inheritable: [],
    ambient: [],
  };
  return {
    ociVersion: "1.0.2",
    process: {
      terminal,
      user: { uid: 0, gid: 0 },
      args: [...args],
      env: ["PATH=/bin:/sbin", "TERM=xterm"],
      cwd: "/",
      capabilities,
    },
    root: { path: rootfs },
    hostname: "box",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
      },
    ],
    linux: {
      namespaces,
      cgroupsPath: `${CGROUP_PARENT}/${id}`,
      ...(idMap !== undefined && { uidMappings: mappings(idMap.uids), gidMappings: mappings(idMap.gids) }),
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  };
}
