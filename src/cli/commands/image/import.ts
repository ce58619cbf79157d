// `import`: a tar archive of a file system as an image, from a file, a URL (the engine fetches it) or standard input.

import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { ProgressMessage } from "../../../api/backend.ts";
import { parseReference } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { displayProgress } from "../../progress/display.ts";
import { openFailure } from "../../run/environment.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { fileChunks } from "../../stream/files.ts";

export const importImage = command({
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  args: args.atLeast(1),
  flags: (io) => ({
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: flag.string("Set commit message for imported image", { short: "m" }),
    platform: flag.string("Set platform if server is multi-platform capable", {
      initial: io.env.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
  }),
  async run({ engine, io }, { flags, args: [source = "", name = ""] }) {
    if (name !== "") parseReference(name);
    const remote = /^(https?|ftp):\/\//.test(source);
    const file = remote || source === "-" ? undefined : await openFile(io.cwd, source);
    const chunks = source === "-" ? io.stdin.read() : file === undefined ? undefined : fileChunks(file);
    try {
      const { body } = await engine.send("POST", "/images/create", {
        query: {
          fromSrc: remote ? source : "-",
          repo: name || undefined,
          message: flags.message || undefined,
          changes: flags.change,
          platform: flags.platform === "" ? undefined : flags.platform.toLowerCase(),
        },
        ...(chunks === undefined ? {} : { upload: { type: "text/plain", body: chunks } }),
      });
      await displayProgress(io.stdout, jsonLines<ProgressMessage>(body));
    } finally {
      await file?.close();
    }
  },
});

async function openFile(cwd: string, path: string) {
  try {
    return await open(resolve(cwd, path), "r");
  } catch (thrown) {
    throw new ExitError(1, openFailure(path, thrown));
  }
}
