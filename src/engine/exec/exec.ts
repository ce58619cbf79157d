// One exec: a command to run in a container, while and after it runs. When it has ended it can be asked for its exit
// code for some minutes; over a restart of the engine too (records.ts).

import type { ExecCreateRequest, ExecInspectResponse } from "../../api/types/exec.ts";
import type { ExecHandle } from "../../runtime/contract.ts";

export class Exec {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecCreateRequest;
  /** Who it runs as, when the request does not say. */
  readonly user: string;
  running = false;
  exitCode: number | null = null;
  pid = 0;
  handle: ExecHandle | undefined;
  /** From the moment it is asked for until it runs; rejects when it can't. */
  starting: Promise<ExecHandle> | undefined;

  constructor(id: string, containerId: string, request: ExecCreateRequest, user: string) {
    this.id = id;
    this.containerId = containerId;
    this.request = request;
    this.user = user;
  }

  get command(): readonly string[] {
    return this.request.Cmd ?? [];
  }

  /** In events: the program, a space, and its arguments, if any. */
  get shown(): string {
    const [program = "", ...args] = this.command;
    return `${program} ${args.join(" ")}`;
  }

  inspect(): ExecInspectResponse {
    const [entrypoint = "", ...args] = this.command;
    return {
      ID: this.id,
      Running: this.running,
      ExitCode: this.exitCode,
      ProcessConfig: {
        tty: this.request.Tty ?? false,
        entrypoint,
        arguments: args,
        privileged: this.request.Privileged ?? false,
        ...(this.user === "" ? {} : { user: this.user }),
      },
      OpenStdin: this.request.AttachStdin ?? false,
      OpenStderr: this.request.AttachStderr ?? false,
      OpenStdout: this.request.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: this.containerId,
      DetachKeys: this.request.DetachKeys ?? "",
      Pid: this.pid,
    };
  }
}
