// `hoy daemon`: reads flags and configuration, says what is wrong with them in one line, or runs the daemon to its end.

import { HoyError, toHoyError } from "../base/error.ts";
import { configureLog, LOG_LEVELS, log } from "../base/log.ts";
import { build } from "../base/version.ts";
import { type Config, loadConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { helpText } from "./help.ts";
import { reloadConfig } from "./reload.ts";
import { type DaemonSettings, daemonSettings, engineSettings } from "./settings.ts";

/** Runs until a signal ends it; resolves with the exit code. */
export async function runDaemon(args: readonly string[], program: string): Promise<number> {
  try {
    const flags = parseFlags(args, program);
    if (flags.help) return print(helpText(program));
    if (flags.version) return print(`hoy version ${build.version}, build ${build.commit || "unknown"}`);
    const config = loadConfig(flags);
    const settings = daemonSettings(config);
    engineSettings(config, "/"); // whatever is wrong with it is said before anything is touched
    if (flags.validate) return print("configuration OK");
    return await run(flags, config, settings);
  } catch (thrown) {
    const error = toHoyError(thrown);
    const hint = error.hint === undefined ? "" : ` (${error.hint})`;
    process.stderr.write(`${program}: ${error.message}${hint}\n`);
    if (!(thrown instanceof HoyError) && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    return 1;
  }
}

async function run(flags: Flags, config: Config, settings: DaemonSettings): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new HoyError("forbidden", "the daemon needs to be started with root privileges");
  }
  const level = LOG_LEVELS.find((each) => each === settings.logLevel) ?? "info";
  configureLog({ level, format: settings.logFormat });
  for (const warning of config.warnings) log.warn(warning);

  const ended = signalled();
  const daemon = await startDaemon(config, settings);
  let latest = config;
  process.on("SIGHUP", () => {
    latest = reloadConfig(flags, latest, daemon);
  });
  const signal = await ended;
  log.info("stopping; containers run on", { signal });
  process.once("SIGTERM", () => process.exit(1));
  process.once("SIGINT", () => process.exit(1));
  await daemon.stop();
  log.info("stopped");
  return 0;
}

/** The first SIGTERM or SIGINT. A second one, while stopping, ends the process at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
