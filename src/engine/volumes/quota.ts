// The size of a volume that is a directory: a project of its own on the file system, with a limit. Which project is asked
// of the directory itself, so there is nothing on record that could be wrong after a crash.

import { openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { lacksProjectQuota, projectOf, projectUse, setProject, setProjectLimit } from "../../linux/project-quota.ts";

/** Ours begin here: administrators number theirs from 1. */
const FIRST = 0x686f_7900;

/**
 * Gives the directory a project, if it has none, and that the limit. Idempotent; synchronous, so that two can't choose
 * the same project.
 * @param volumes the directory in which all volumes are @param bytes 0 takes the limit away
 * @throws HoyError "invalid" in Docker's words where the file system has no project quotas
 */
export function limitDirectory(volumes: string, path: string, bytes: number): void {
  using directory = new OwnedFd(openSync(path, O.RDONLY | O.DIRECTORY));
  refuseWithout(() => {
    const project = projectOf(directory.fd) || freeProject(volumes, directory.fd);
    setProjectLimit(directory.fd, project, bytes);
    if (projectOf(directory.fd) !== project) setProject(directory.fd, project);
  });
}

/** What is put into `fresh` counts as what is in `data`, whose place it will take. */
export function shareProject(data: string, fresh: string): void {
  using from = new OwnedFd(openSync(data, O.RDONLY | O.DIRECTORY));
  using to = new OwnedFd(openSync(fresh, O.RDONLY | O.DIRECTORY));
  refuseWithout(() => setProject(to.fd, projectOf(from.fd)));
}

/** One that no volume has and nothing is counted on, such as a volume that is being removed still. */
function freeProject(volumes: string, fd: number): number {
  const taken = new Set(readdirSync(volumes).map((name) => projectAt(join(volumes, name, "_data"))));
  for (let project = FIRST; ; project++) {
    if (taken.has(project)) continue;
    const { limit, used } = projectUse(fd, project);
    if (limit === 0 && used === 0) return project;
  }
}

function projectAt(path: string): number {
  try {
    using directory = new OwnedFd(openSync(path, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
    return projectOf(directory.fd);
  } catch (error) {
    // Not there yet, or something without projects is mounted on it.
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP") || lacksProjectQuota(error)) return 0;
    throw error;
  }
}

function refuseWithout(work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (!lacksProjectQuota(cause)) throw cause;
    throw new HoyError("invalid", "quota size requested but no quota support", {
      hint: "the volumes' file system needs project quotas (ext4 or xfs mounted with prjquota); -o type=loop needs none",
      cause,
    });
  }
}
