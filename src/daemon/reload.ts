// SIGHUP: the file is read again; what may change while containers run is changed, what may not is named in the log.
// A file that is wrong changes nothing.

import { toHoyError } from "../base/error.ts";
import { configureLog, LOG_LEVELS, log } from "../base/log.ts";
import type { ReloadableSettings } from "../base/settings.ts";
import { type Config, loadConfig } from "./config.ts";
import type { Daemon } from "./daemon.ts";
import type { Flags } from "./flags.ts";
import { nameOf } from "./options/option.ts";
import { options } from "./options/table.ts";
import { daemonSettings, engineSettings } from "./settings.ts";

/** Returns the configuration that holds from now on. */
export function reloadConfig(flags: Flags, before: Config, daemon: Pick<Daemon, "reload" | "notify">): Config {
  log.info("got signal to reload the configuration", { file: before.file });
  daemon.notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  try {
    const read = loadConfig(flags);
    const { changed, ignored } = compare(before, read);
    const next: Config = { ...read, values: keep(before, read, ignored) };
    for (const warning of read.warnings) log.warn(warning);
    for (const name of ignored) log.warn("this takes effect only after a restart", { option: name });
    const settings = daemonSettings(next);
    configureLog({ level: LOG_LEVELS.find((level) => level === settings.logLevel) ?? "info" });
    void daemon.reload(reloadable(next)).then(
      () => log.info("configuration reloaded", { changed: changed.join(" ") || "nothing" }),
      (error) => log.error("the configuration could not be reloaded", { error }),
    );
    return next;
  } catch (thrown) {
    log.error("the configuration was not reloaded", { error: toHoyError(thrown) });
    return before;
  } finally {
    daemon.notify("READY=1");
  }
}

/** Options that changed and may, and those that changed and may not. */
export function compare(before: Config, after: Config): { changed: string[]; ignored: string[] } {
  const different = options.filter((option) => {
    const name = nameOf(option);
    return JSON.stringify(before.values.get(name)) !== JSON.stringify(after.values.get(name));
  });
  const names = (reload: boolean) => different.filter((option) => (option.reload ?? false) === reload).map(nameOf);
  return { changed: names(true), ignored: names(false) };
}

function keep(before: Config, after: Config, ignored: readonly string[]): Config["values"] {
  const values = new Map(after.values);
  for (const name of ignored) {
    const old = before.values.get(name);
    if (old === undefined) values.delete(name);
    else values.set(name, old);
  }
  return values;
}

function reloadable(config: Config): ReloadableSettings {
  const { debug, labels, runtimes, defaultRuntime, registry, gc, features, shutdownTimeout, log } = engineSettings(
    config,
    "/",
  );
  return { debug, labels, runtimes, defaultRuntime, registry, gc, features, shutdownTimeout, log };
}
