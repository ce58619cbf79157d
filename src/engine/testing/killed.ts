// For recovery.test.ts, run as a process of its own: opens the engine, does one thing, and is killed by SIGKILL at the
// moment a given step of it ends. Arguments: settings as JSON, the step's name, what to do.
//
// It prints the container's id as soon as there is one, so that the test knows what the dead engine knew.

import type { EngineSettings } from "../../base/settings.ts";
import { traceTo } from "../../base/trace.ts";
import { openEngine } from "../engine.ts";

const [, , settingsText = "", step = "", action = ""] = process.argv;
const settings: EngineSettings = JSON.parse(settingsText);
const { backend } = await openEngine({ ...settings, storageDriver: undefined });
const { containers } = backend;
const signal = new AbortController().signal;

const arm = () =>
  traceTo((line) => {
    if (JSON.parse(line).name === step) process.kill(process.pid, "SIGKILL");
  });

async function create(): Promise<string> {
  const { Id } = await containers.create(
    {
      name: "victim",
      platform: undefined,
      config: { Image: "busybox", Cmd: ["sh", "-c", "echo started; sleep 1000"], Volumes: { "/etc": {} } },
      hostConfig: { NetworkMode: "none", ...(action === "restart-policy" && { RestartPolicy: { Name: "always" } }) },
      networkingConfig: {},
    },
    signal,
  );
  process.stdout.write(`${Id}\n`);
  return Id;
}

if (action === "create") arm();
const id = await create();
if (action === "start") arm();
await containers.start(id, { detachKeys: undefined });
if (action === "stop" || action === "restart-policy") arm();
if (action !== "remove") await containers.stop(id, { signal: undefined, timeout: 0 }, signal);
arm();
await containers.remove(id, { force: true, volumes: true, link: false });
process.stdout.write("survived\n");
process.exit(3);
