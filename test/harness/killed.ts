// A daemon that is killed with SIGKILL at the moment when a given step of what it is asked ends; or, without a step, one
// that writes down which steps there are. Run by steps.ts in a process of its own, in place of the built daemon.
//
// Steps are the spans of `--trace`, counted from when the daemon answers. Arguments: the step ("NAME#COUNT", or ""), the
// file for the steps, the shim, and the daemon's flags.

import { appendFileSync } from "node:fs";
import { configureLog } from "../../src/base/log.ts";
import { traceTo } from "../../src/base/trace.ts";
import { loadConfig } from "../../src/daemon/config.ts";
import { startDaemon } from "../../src/daemon/daemon.ts";
import { parseFlags } from "../../src/daemon/flags.ts";
import { daemonSettings } from "../../src/daemon/settings.ts";

const [, , step = "", record = "", shim = "", ...flags] = process.argv;
process.env.HOY_SHIM = shim;
const config = loadConfig(parseFlags(flags, "hoy daemon"));
configureLog({ level: "info", format: "text" });
const daemon = await startDaemon(config, daemonSettings(config));
const counts = new Map<string, number>();
traceTo((line) => {
  const { name } = JSON.parse(line) as { name: string };
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  if (step === "") appendFileSync(record, `${name}#${count}\n`);
  else if (`${name}#${count}` === step) process.kill(process.pid, "SIGKILL");
});
process.once("SIGTERM", async () => {
  await daemon.stop();
  process.exit(0);
});
