// RUN: a command in either form, with here-documents, and its flags.

import { Fault } from "../fault.ts";
import type { Instruction } from "../parse.ts";
import { commandLine } from "./command.ts";
import { readFlags } from "./flags.ts";
import { mountSource } from "./mount.ts";
import type { Place, Run } from "./types.ts";

const NETWORKS = ["default", "none", "host"] as const;
const SECURITIES = ["sandbox", "insecure"] as const;

export function readRun(instruction: Instruction, place: Place): Run {
  const flags = readFlags(instruction.flags, {
    mount: "strings",
    network: "string",
    security: "string",
    device: "strings",
  });
  const mounts = flags.list("mount");
  const given = { network: flags.list("network")[0] ?? "default", security: flags.list("security")[0] ?? "sandbox" };
  const network = NETWORKS.find((mode) => mode === given.network);
  if (network === undefined) throw new Fault(`invalid network mode ${JSON.stringify(given.network)}`);
  const security = SECURITIES.find((mode) => mode === given.security);
  if (security === undefined) throw new Fault(`security ${JSON.stringify(given.security)} is not valid`);
  return {
    ...place,
    kind: "RUN",
    command: commandLine(instruction),
    mounts,
    mountSources: mounts.map(mountSource),
    network,
    security,
    devices: flags.list("device"),
  };
}
