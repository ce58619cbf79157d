// Signals sent to us go on to the container's process, as if it ran in our place. Whoever sends three to end us means us.

import type { Transport } from "../../api/client/transport.ts";
import { ExitError } from "../base/errors.ts";
import type { CliIo, SignalName } from "../io.ts";

const FORWARDED: readonly SignalName[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT"];
const ENDING = new Set<SignalName>(["SIGINT", "SIGTERM"]);

export interface SignalProxy extends Disposable {
  /** Rejects after three signals to end; never resolves. */
  readonly forced: Promise<never>;
}

export function proxySignals(io: CliIo, engine: Transport, container: string): SignalProxy {
  const { promise: forced, reject } = Promise.withResolvers<never>();
  // Looked at by whoever races it; nobody has to.
  forced.catch(() => undefined);
  let endings = 0;
  const stops = FORWARDED.map((signal) =>
    io.onSignal(signal, () => {
      if (ENDING.has(signal) && ++endings >= 3) reject(new ExitError(1, "\ngot 3 SIGTERM/SIGINTs, forcefully exiting"));
      // The container may have ended meanwhile, which its exit code tells.
      engine
        .done("POST", `/containers/${container}/kill`, { query: { signal: signal.slice(3) } })
        .catch(() => undefined);
    }),
  );
  return {
    forced,
    [Symbol.dispose]() {
      for (const stop of stops) stop();
    },
  };
}
