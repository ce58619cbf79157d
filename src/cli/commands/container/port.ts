// `port`: where a container's ports are on the host.

import type { ContainerInspectResponse } from "../../../api/types/container.ts";
import { ExitError } from "../../base/errors.ts";
import { compareNatural, cut } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { joinHost } from "../../format/ports.ts";

export const port = command({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: args.between(1, 2),
  flags: {},
  async run({ engine, io }, { args: [name = "", wanted] }) {
    const container = await engine.json<ContainerInspectResponse>(
      "GET",
      `/containers/${encodeURIComponent(name)}/json`,
    );
    const ports = container.NetworkSettings?.Ports ?? {};
    const lines: string[] = [];
    if (wanted !== undefined) {
      const [number, protocol] = cut(wanted, "/");
      if (!/^\d+$/.test(number) || Number(number) > 65535)
        throw new ExitError(
          1,
          `Error: invalid port (${number}): strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`,
        );
      const bindings = ports[`${number}/${protocol || "tcp"}`];
      if (bindings === undefined || bindings === null)
        throw new ExitError(1, `Error: No public port '${wanted}' published for ${name}`);
      for (const { HostIp = "", HostPort = "" } of bindings) lines.push(joinHost(HostIp, HostPort));
    } else {
      for (const [inside, bindings] of Object.entries(ports))
        for (const { HostIp = "", HostPort = "" } of bindings ?? [])
          lines.push(`${inside} -> ${joinHost(HostIp, HostPort)}`);
      lines.sort(compareNatural);
    }
    for (const line of lines) io.stdout.line(line);
  },
});
