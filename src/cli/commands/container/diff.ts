// `diff`: paths that were added (A), changed (C) or deleted (D).

import type { FilesystemChange } from "../../../api/types/container.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

const KINDS = ["C", "A", "D"];

export const diff = command({
  usage: "CONTAINER",
  args: args.exactly(1),
  flags: {},
  async run({ engine, io }, { args: [name = ""] }) {
    if (name === "") throw new ExitError(1, "Container name cannot be empty");
    const changes = await engine.json<FilesystemChange[] | null>(
      "GET",
      `/containers/${encodeURIComponent(name)}/changes`,
    );
    for (const { Kind, Path } of changes ?? []) io.stdout.line(`${KINDS[Kind] ?? ""} ${Path}`);
  },
});
