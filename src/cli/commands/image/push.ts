// `push`: an image to its registry.

import type { ProgressMessage } from "../../../api/backend.ts";
import { canonicalString, parseReference, repositoryName, withDefaultTag } from "../../../image/reference.ts";
import { contentTrustFlag, refuseContentTrust } from "../../base/content-trust.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { authHeader } from "../../config/credentials.ts";
import { flag } from "../../flag.ts";
import { displayProgress, drainProgress } from "../../progress/display.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { platformJson } from "./load.ts";

export const push = command({
  usage: "[OPTIONS] NAME[:TAG]",
  args: args.exactly(1),
  flags: (io) => ({
    "all-tags": flag.bool("Push all tags of an image to the repository", { short: "a" }),
    compression: flag.string("Compress the layers anew: gzip[:1-9] or zstd[:1-22]"),
    "disable-content-trust": contentTrustFlag("Skip image signing", io.env),
    platform: flag.string(
      "Push a platform-specific manifest as a single-platform image to the registry. Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
      { initial: io.env.DOCKER_DEFAULT_PLATFORM ?? "" },
    ),
    quiet: flag.bool("Suppress verbose output", { short: "q" }),
  }),
  async run({ engine, io, config }, { flags, args: [name = ""] }) {
    refuseContentTrust(flags["disable-content-trust"]);
    const written = parseReference(name);
    if (flags["all-tags"] && (written.tag !== undefined || written.digest !== undefined))
      throw new ExitError(1, "tag can't be used with --all-tags/-a");
    const reference = flags["all-tags"] ? written : withDefaultTag(written);
    if (!flags["all-tags"] && written.tag === undefined && written.digest === undefined && !flags.quiet)
      io.stdout.line(`Using default tag: ${reference.tag}`);
    if (reference.digest !== undefined) throw new ExitError(1, "cannot push a digest reference");
    const auth = await authHeader(config, reference);
    const path = repositoryName(reference).split("/").map(encodeURIComponent).join("/");
    const { body } = await engine.send("POST", `/images/${path}/push`, {
      query: {
        tag: reference.tag,
        compression: flags.compression === "" ? undefined : flags.compression,
        platform: flags.platform === "" ? undefined : platformJson(flags.platform),
      },
      // The engine wants the header even when there is nothing to say.
      headers: { "X-Registry-Auth": auth["X-Registry-Auth"] ?? "e30=" },
    });
    const messages = jsonLines<ProgressMessage>(body);
    if (!flags.quiet) return displayProgress(io.stdout, messages);
    await drainProgress(messages);
    io.stdout.line(canonicalString(reference));
  },
});
