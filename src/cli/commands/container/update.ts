// `update`: other limits and another restart policy for containers that are there.

import type { UpdateRequest } from "../../../api/backend.ts";
import type { ContainerUpdateResponse } from "../../../api/types/container.ts";
import { ExitError, FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { parseRestartPolicy } from "../../run/config.ts";
import { limitFlags } from "../../run/flags.ts";
import { netRateFlag } from "../../run/net-rate.ts";
import { parsePorts } from "../../run/ports.ts";

export const update = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: {
    ...limitFlags,
    "net-rate": netRateFlag(),
    "publish-add": flag.list("Publish one more port, also while it runs"),
    "publish-rm": flag.list("Publish a port no longer, also while it runs"),
  },
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
    const ports = {
      Add: parsePorts(flags["publish-add"], []).bindings,
      Remove: parsePorts(flags["publish-rm"], []).bindings,
    };
    const publishes = changed.has("publish-add") || changed.has("publish-rm");
    const limits = [...changed].some((name) => !name.startsWith("publish-") && name !== "net-rate");
    const failures = new FailureList();
    const warnings: string[] = [];
    for (const name of names) {
      try {
        const id = encodeURIComponent(name);
        if (publishes) await engine.done("POST", `/hoy/containers/${id}/ports`, { json: ports });
        if (changed.has("net-rate"))
          await engine.done("POST", `/hoy/containers/${id}/rate`, { json: flags["net-rate"] });
        if (limits) {
          const path = `/containers/${id}/update`;
          const { Warnings } = await engine.json<ContainerUpdateResponse>("POST", path, { json: request });
          warnings.push(...(Warnings ?? []));
        }
        io.stdout.line(name);
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    if (warnings.length > 0) io.stdout.line(warnings.join("\n"));
    failures.raise();
  },
});
