// An image of a frontend, as `# syntax=` names one: bun, its libraries, and a program that speaks LLBBridge on its
// standard input and output. Made here: no frontend that others made can be had without a hub.

import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ok } from "./clients.ts";
import { command } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";

const PROGRAM = join(import.meta.dir, "frontend.ts");

/** Builds it under this name. @param labels lines of the Dockerfile */
export async function frontendImage(daemon: TestDaemon, name: string, labels = ""): Promise<void> {
  const root = mkdtempSync(join(daemon.root, "frontend-"));
  const bundle = await Bun.build({ entrypoints: [PROGRAM], target: "bun", minify: true });
  const [output] = bundle.outputs;
  if (output === undefined) throw new Error(bundle.logs.join("\n"));
  writeFileSync(join(root, "frontend.js"), await output.text());
  copyFileSync(process.execPath, join(root, "bun"));
  for (const path of await librariesOf(process.execPath)) {
    mkdirSync(join(root, "libraries", dirname(path)), { recursive: true });
    copyFileSync(path, join(root, "libraries", dirname(path), basename(path)));
  }
  writeFileSync(
    join(root, "Dockerfile"),
    `FROM busybox\nCOPY libraries /\nCOPY --chmod=755 bun /bin/bun\nCOPY frontend.js /frontend.js\n${labels}\nENTRYPOINT ["/bin/bun", "/frontend.js"]\n`,
  );
  await ok(daemon.hoy("build", "-q", "--network", "none", "-t", name, root));
}

async function librariesOf(program: string): Promise<string[]> {
  const listed = await ok(command(["ldd", program]));
  return [...listed.matchAll(/(\/\S+\.so\S*)/g)].map(([, path]) => path ?? "");
}
