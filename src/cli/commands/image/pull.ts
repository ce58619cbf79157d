// `pull`: an image from its registry.

import { canonicalString, familiarString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { contentTrustFlag, refuseContentTrust } from "../../base/content-trust.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { pullImage } from "./pull-image.ts";

export const pull = command({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  args: args.exactly(1),
  flags: (io) => ({
    "all-tags": flag.bool("Download all tagged images in the repository", { short: "a" }),
    "disable-content-trust": contentTrustFlag("Skip image verification", io.env),
    platform: flag.string("Set platform if server is multi-platform capable", {
      initial: io.env.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
    quiet: flag.bool("Suppress verbose output", { short: "q" }),
  }),
  async run(context, { flags, args: [image = ""] }) {
    const { io } = context;
    refuseContentTrust(flags["disable-content-trust"]);
    const written = parseReference(image);
    const named = written.tag === undefined && written.digest === undefined;
    if (flags["all-tags"] && !named) throw new ExitError(1, "tag can't be used with --all-tags/-a");
    const reference = flags["all-tags"] ? written : withDefaultTag(written);
    if (named && !flags["all-tags"] && !flags.quiet) io.stdout.line(`Using default tag: ${reference.tag}`);
    await pullImage(context, familiarString(reference), {
      platform: flags.platform,
      out: io.stdout,
      quiet: flags.quiet,
      allTags: flags["all-tags"],
    });
    io.stdout.line(canonicalString(reference));
  },
});
