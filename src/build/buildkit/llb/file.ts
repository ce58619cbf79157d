// File ops: actions on trees.

import { HoyError } from "../../../base/error.ts";
import type { FileAction, FileChange, FileOp, Owner } from "../../graph.ts";
import type { ChownOpt, FileAction as PbAction, FileOp as PbFile, UserOpt } from "../proto/gen/ops_pb.ts";
import { amount, missing, place } from "./values.ts";

export function fileOp(file: PbFile, inputs: number): FileOp {
  return { kind: "file", actions: file.actions.map((action, index) => actionOf(action, inputs + index)) };
}

/** @param known inputs and earlier actions that it can work on */
function actionOf(action: PbAction, known: number): FileAction {
  const input = place(action.input, "an input");
  const secondary = place(action.secondaryInput, "an input");
  if (input >= known || secondary >= known) throw new HoyError("invalid", "an action works on what is not there");
  const isCopy = action.action.case === "copy";
  return {
    input,
    secondary: isCopy ? secondary : -1,
    output: place(action.output, "an output"),
    action: changeOf(action.action),
  };
}

function changeOf(action: PbAction["action"]): FileChange {
  switch (action.case) {
    case "copy": {
      const copy = action.value;
      if (copy.requiredPaths.length > 0) throw missing("required paths of a copy");
      return {
        type: "copy",
        source: copy.src,
        target: copy.dest,
        owner: ownerOf(copy.owner),
        mode: copy.modeStr !== "" ? copy.modeStr : copy.mode < 0 ? undefined : copy.mode,
        followSymlink: copy.followSymlink,
        contentsOnly: copy.dirCopyContents,
        unpack: copy.attemptUnpack,
        createTarget: copy.createDestPath,
        allowWildcard: copy.allowWildcard,
        allowEmptyWildcard: copy.allowEmptyWildcard,
        include: copy.includePatterns,
        exclude: copy.excludePatterns,
        parents: false,
        alwaysReplace: copy.alwaysReplace,
        created: createdOf(copy.timestamp),
      };
    }
    case "mkfile": {
      const { path, data, mode, owner, timestamp } = action.value;
      return { type: "file", path, data, mode, owner: ownerOf(owner), created: createdOf(timestamp) };
    }
    case "mkdir": {
      const { path, mode, makeParents: parents, owner, timestamp } = action.value;
      return { type: "directory", path, mode, parents, owner: ownerOf(owner), created: createdOf(timestamp) };
    }
    case "symlink": {
      // As symlink(2) names them: what it points to, and where it is.
      const { oldpath: target, newpath: path, owner, timestamp } = action.value;
      return { type: "symlink", path, target, owner: ownerOf(owner), created: createdOf(timestamp) };
    }
    case "rm": {
      const { path, allowNotFound: allowMissing, allowWildcard } = action.value;
      return { type: "remove", path, allowMissing, allowWildcard };
    }
    case undefined:
      throw new HoyError("invalid", "an action that does nothing");
  }
}

/** In ns on the wire; -1: none. */
function createdOf(timestamp: bigint): number | undefined {
  return timestamp < 0n ? undefined : amount(timestamp / 1_000_000_000n, "a time");
}

function ownerOf(chown: ChownOpt | undefined): Owner | undefined {
  if (chown === undefined) return undefined;
  return { user: userOf(chown.user), group: userOf(chown.group) };
}

function userOf(option: UserOpt | undefined): string | number | undefined {
  const { user } = option ?? {};
  if (user?.case === "byId") return user.value;
  return user?.case === "byName" ? user.value.name : undefined;
}
