// `image mount` and `image unmount`: an image's files, read-only, in a directory of the host.

import { resolve } from "node:path";
import type { ImageMount } from "../../../api/backend.ts";
import type { Endpoint } from "../../../api/client/endpoint.ts";
import { ExitError, FailureList } from "../../base/errors.ts";
import { truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { View } from "../../template/value.ts";
import { listFormat } from "../shared.ts";

const HEADERS = { Name: "IMAGE", ID: "IMAGE ID", Path: "MOUNT POINT", Status: "STATUS" };
const TABLE = "table {{.Name}}\t{{.ID}}\t{{.Path}}\t{{.Status}}";

export const mount = command({
  usage: "[OPTIONS] [IMAGE [DIRECTORY]]",
  args: args.between(0, 2),
  details:
    "Without DIRECTORY a directory of the engine's is taken, and its path printed. Owners and modes are the image's own; its setuid programs and devices have no effect. Without arguments, what is mounted is listed.",
  flags: {
    format: listFormat(),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only show directories", { short: "q" }),
  },
  async run({ engine, io }, { flags, args: [name, directory] }) {
    if (name === undefined) {
      const mounts = await engine.json<ImageMount[]>("GET", "/hoy/images/mounts");
      const format = listed(flags.format, flags.quiet);
      const rows = mounts.map((each) => view(each, !flags["no-trunc"]));
      return printList(io.stdout, { format, headers: HEADERS, rows });
    }
    if (flags.format !== "") throw new ExitError(1, "--format is for the list, without an image");
    needHere(engine.endpoint);
    const path = directory === undefined ? undefined : resolve(directory);
    const { Path } = await engine.json<ImageMount>("POST", "/hoy/images/mount", { query: { name, path } });
    io.stdout.line(Path);
  },
});

export const unmount = command({
  usage: "[OPTIONS] IMAGE|DIRECTORY [IMAGE|DIRECTORY...]",
  args: args.any,
  details: "A directory begins with / or a dot. Of an image, all mounts go.",
  flags: {
    all: flag.bool("Unmount all images", { short: "a" }),
    force: flag.bool("Unmount also while files are open; they can be read until they are closed", { short: "f" }),
  },
  async run({ engine, io }, { flags, args: given }) {
    if (flags.all ? given.length > 0 : given.length === 0)
      throw new ExitError(1, "name the images or directories to unmount, or --all");
    const mounts = flags.all ? await engine.json<ImageMount[]>("GET", "/hoy/images/mounts") : [];
    const names = flags.all ? mounts.map(({ Path }) => Path) : given.map(asPath);
    const failures = new FailureList();
    for (const name of names) {
      try {
        const query = { name, force: flags.force };
        const gone = await engine.json<ImageMount[]>("POST", "/hoy/images/unmount", { query });
        for (const { Path } of gone) io.stdout.line(Path);
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});

/** No image's name begins so. */
function asPath(text: string): string {
  return /^[./]/.test(text) ? resolve(text) : text;
}

function listed(format: string, quiet: boolean): string {
  if (format !== "" && format !== "table") return format;
  return quiet ? "{{.Path}}" : TABLE;
}

function view({ Name, Id, Path, Mounted, Created }: ImageMount, truncate: boolean): View {
  return new View("formatter.imageMountContext", {
    Created: () => Created,
    ID: () => (truncate ? truncateId(Id) : Id),
    Name: () => Name,
    Path: () => Path,
    Status: () => (Mounted ? "mounted" : "taken away by others"),
  });
}

/** Over TCP and ssh the directory would be one of another machine. */
function needHere(endpoint: Endpoint): void {
  if (endpoint.kind === "unix") return;
  throw new ExitError(
    1,
    `image mount: the engine at ${endpoint.text} is on another host, and an image is mounted on the engine's: call it there`,
  );
}
