// The house's rule: imports run down the list of folders only, and never in a circle (see ARCHITECTURE.md).

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dir, "../../src");

/** What each folder may import, besides itself and base. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  main: ["cli", "daemon"],
  cli: ["api", "build", "image", "registry"],
  daemon: ["api", "engine", "build", "registry", "storage", "network", "runtime", "image", "state", "linux"],
  engine: ["api", "build", "registry", "storage", "network", "runtime", "image", "state", "linux"],
  build: ["api", "registry", "storage", "network", "runtime", "image", "state", "linux"],
  registry: ["api", "storage", "image", "state", "linux"],
  storage: ["image", "state", "linux"],
  network: ["api", "state", "linux"],
  runtime: ["api", "state", "linux"],
  api: [],
  image: [],
  state: ["api"],
  linux: [],
  base: [],
};

/** api/server may not know api/client, nor the other way round; the engine sees api's types and contract only. */
const API_CONTRACT = /^api\/(types\/|backend\.ts$)/;
/** The wire of BuildKit's API: messages and gRPC, which its client speaks too. Nothing of how anything is built. */
const BUILDKIT_WIRE = /^build\/buildkit\/(?:grpc\/|proto\/|session\/go-mode\.ts$|gateway\/failed-exec\.ts$)/;
const REGISTRY_COMMANDS = /^cli\/commands\/(registry-server|manifest|image-copy)\//;

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function imports(file: string, kind: "all" | "values" = "all"): string[] {
  const whole = readFileSync(file, "utf8");
  const text = kind === "all" ? whole : whole.replaceAll(/^(?:import|export) type [^;]+;$/gm, "");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map((match) => relative(root, resolve(dirname(file), match[1] ?? "")));
}

const roomOf = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/, ""));
const files = [...sources(root)].map((file) => ({ name: relative(root, file), imports: imports(file) }));

test("imports run down the house only", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = roomOf(file.name);
    for (const target of file.imports) {
      const other = roomOf(target);
      if (other === room || other === "..") continue;
      if (other === "base" && room !== "linux") continue;
      if (!MAY_IMPORT[room]?.includes(other)) wrong.push(`${file.name} → ${target}`);
      // The registry is a server of its own: its commands run it and keep its books, and
      // manifest and copy speak to registries without an engine. No other command knows it.
      if (room === "cli" && other === "registry" && !REGISTRY_COMMANDS.test(file.name))
        wrong.push(`${file.name} → ${target} (registry's own commands only)`);
      if (room === "cli" && other === "build" && !BUILDKIT_WIRE.test(target))
        wrong.push(`${file.name} → ${target} (BuildKit's wire only)`);
      const below = room !== "daemon" && room !== "cli" && room !== "main";
      if (other === "api" && below && !API_CONTRACT.test(target))
        wrong.push(`${file.name} → ${target} (contract only)`);
    }
  }
  expect(wrong).toEqual([]);
});

/** Types may name each other; values may not. */
test("no circle of files", () => {
  const graph = new Map([...sources(root)].map((file) => [relative(root, file), imports(file, "values")]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      circles.push([...trail.slice(trail.indexOf(name)), name].join(" → "));
      return;
    }
    if (done.has(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  expect(circles).toEqual([]);
});

test("FFI stays in linux/, SQLite in state/", () => {
  const wrong: string[] = [];
  for (const file of sources(root)) {
    const name = relative(root, file);
    const text = readFileSync(file, "utf8");
    if (text.includes('"bun:ffi"') && roomOf(name) !== "linux") wrong.push(`${name}: bun:ffi`);
    if (text.includes('"bun:sqlite"') && !["state", "registry"].includes(roomOf(name)))
      wrong.push(`${name}: bun:sqlite`);
  }
  expect(wrong).toEqual([]);
});
