// The executable's first lines: is this the client or the daemon? Nothing else. Both are loaded only when wanted, so
// that `hoy ps` never reads the engine. Called by the name `dockerd` (or `hoyd`) it is the daemon; by `docker`, the client.

const program = (process.argv0.split("/").pop() ?? "hoy").replace(/^-/, "");
const args = process.argv.slice(2);
/** Milliseconds. What lives longer is worth compiling. */
const SHORT = 250;
const named = program === "dockerd" || program === "hoyd";

// The executable is built to start in the interpreter (scripts/build): most clients end before compiled code pays.
if (named || args[0] === "daemon" || args[0] === "-d") {
  Bun.unsafe.setJITPolicy(1);
  const { runDaemon } = await import("./daemon/main.ts");
  // It is over when it says so: nothing that was forgotten in the event loop holds up the next daemon's start.
  process.exit(await runDaemon(named ? args : args.slice(1), named ? program : "hoy daemon"));
} else {
  setTimeout(() => Bun.unsafe.setJITPolicy(1), SHORT).unref();
  const { runClient } = await import("./cli/main.ts");
  process.exitCode = await runClient(args, program === "docker" ? "docker" : "hoy");
}
