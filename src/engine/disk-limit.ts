// How much the files below a directory may take: a project of their own on the file system, with a limit. For volumes and
// for what containers write. Which project it is, is asked of the directory itself, so there is nothing on record that
// could be wrong after a crash.

import { openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../base/error.ts";
import { isErrno } from "../linux/libc.ts";
import { O, OwnedFd } from "../linux/open.ts";
import {
  lacksProjectQuota,
  projectOf,
  projectUse,
  setProject,
  setProjectLimit,
  setProjectRoom,
} from "../linux/project-quota.ts";

/** Ours are these: administrators number theirs from 1, and a directory of ours may be in one of theirs. */
const FIRST = 0x686f_7900;
const LAST = 0x696f_78ff;

/** Bytes: xfs reserves some 30 blocks to make a directory. */
const MOUNT_ROOM = 2 ** 20;

/**
 * Gives the directories one project, if they have none of ours, and that the limit. Idempotent; synchronous, so that two
 * can't choose the same project.
 * @param root the data root, below which all directories with projects of ours are
 * @throws HoyError "invalid" in Docker's words for volumes where the file system has no project quotas
 */
export function limitDirectories(root: string, directories: readonly string[], bytes: number): void {
  using opened = new DisposableStack();
  const fds = directories.map((path) => opened.use(new OwnedFd(openSync(path, O.RDONLY | O.DIRECTORY))).fd);
  const [first] = fds;
  if (first === undefined) return;
  refuseWithout(() => {
    const project = ourProject(first) || freeProject(root, first);
    setProjectLimit(first, project, bytes);
    for (const fd of fds) if (projectOf(fd) !== project) setProject(fd, project);
  });
}

/** The limit goes with the directory, whose project may be another's once its files are gone. */
export function liftLimit(directory: string): void {
  try {
    using opened = new OwnedFd(openSync(directory, O.RDONLY | O.DIRECTORY));
    const project = ourProject(opened.fd);
    if (project !== 0) setProjectLimit(opened.fd, project, 0);
  } catch (error) {
    if (!isErrno(error, "ENOENT") && !lacksProjectQuota(error)) throw error;
  }
}

/**
 * Room for what overlay makes in `work` at each mount (without it, it comes up read-only, and nothing could be removed from
 * a full container), until disposed of. After a crash in between the room stays until the next time.
 */
export function roomToMount(work: string): Disposable {
  const give = (bytes: number) => {
    try {
      using opened = new OwnedFd(openSync(work, O.RDONLY | O.DIRECTORY));
      const project = ourProject(opened.fd);
      if (project !== 0) setProjectRoom(opened.fd, project, bytes);
    } catch (error) {
      if (!lacksProjectQuota(error)) throw error; // mounted otherwise than it was: nothing is bounded
    }
  };
  give(MOUNT_ROOM);
  return { [Symbol.dispose]: () => give(0) };
}

/** What is put into `fresh` counts as what is in `data`, whose place it will take. */
export function shareProject(data: string, fresh: string): void {
  using from = new OwnedFd(openSync(data, O.RDONLY | O.DIRECTORY));
  using to = new OwnedFd(openSync(fresh, O.RDONLY | O.DIRECTORY));
  refuseWithout(() => setProject(to.fd, projectOf(from.fd)));
}

function ourProject(fd: number): number {
  const project = projectOf(fd);
  return project >= FIRST && project <= LAST ? project : 0;
}

/** One that no directory has and nothing is counted on, such as a volume that is being removed still. */
function freeProject(root: string, fd: number): number {
  const taken = new Set([
    ...projectsBelow(join(root, "volumes"), "_data"),
    ...projectsBelow(join(root, "containers"), "work"),
  ]);
  for (let project = FIRST; project <= LAST; project++) {
    if (taken.has(project)) continue;
    const { limit, used } = projectUse(fd, project);
    if (limit === 0 && used === 0) return project;
  }
  throw new HoyError("internal", "every number for a disk limit is taken");
}

function projectsBelow(folder: string, name: string): number[] {
  return names(folder).map((each) => projectAt(join(folder, each, name)));
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
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
      hint: "the file system needs project quotas (ext4 or xfs mounted with prjquota); -o type=loop needs none",
      cause,
    });
  }
}
