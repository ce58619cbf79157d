// `update`: other limits and another restart policy for containers that are there.

import type { UpdateRequest } from "../../../api/backend.ts";
import type { ContainerUpdateResponse } from "../../../api/types/container.ts";
import { ExitError, FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { parseRestartPolicy } from "../../run/config.ts";
import { limitFlags } from "../../run/flags.ts";

export const update = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: limitFlags,
  async run({ engine, io }, { flags, args: names, changed }) {
    if (changed.size === 0) throw new ExitError(1, "you must provide one or more flags when using this command");
    const request: UpdateRequest = {
      BlkioWeight: flags["blkio-weight"],
      CpuPeriod: flags["cpu-period"],
      CpuQuota: flags["cpu-quota"],
      CpuRealtimePeriod: flags["cpu-rt-period"],
      CpuRealtimeRuntime: flags["cpu-rt-runtime"],
      CpuShares: flags["cpu-shares"],
      CpusetCpus: flags["cpuset-cpus"],
      CpusetMems: flags["cpuset-mems"],
      Memory: flags.memory,
      MemoryReservation: flags["memory-reservation"],
      MemorySwap: flags["memory-swap"],
      NanoCpus: flags.cpus,
      RestartPolicy: parseRestartPolicy(flags.restart),
    };
    if (changed.has("pids-limit")) request.PidsLimit = flags["pids-limit"];
    const failures = new FailureList();
    const warnings: string[] = [];
    for (const name of names) {
      try {
        const path = `/containers/${encodeURIComponent(name)}/update`;
        const { Warnings } = await engine.json<ContainerUpdateResponse>("POST", path, { json: request });
        io.stdout.line(name);
        warnings.push(...(Warnings ?? []));
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    if (warnings.length > 0) io.stdout.line(warnings.join("\n"));
    failures.raise();
  },
});
