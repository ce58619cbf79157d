import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectCgroups } from "./detect.ts";
import { prepareParent } from "./parent.ts";

test("a cpuset without CPUs gets those of the one above, one that has some keeps them", () => {
  const root = mkdtempSync(join(tmpdir(), "hoy-cpuset-"));
  const layout = { mode: "v1", unified: undefined, controllers: new Map([["cpuset", root]]) } as const;
  const put = (folder: string, cpus: string) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "cpuset.cpus"), cpus);
    writeFileSync(join(root, folder, "cpuset.mems"), "");
  };
  put("", "0-3\n");
  put("a", "1\n");
  put("a/b", "\n");
  writeFileSync(join(root, "cpuset.mems"), "0\n");
  prepareParent(layout, "/a/b/container");
  expect(readFileSync(join(root, "a", "cpuset.cpus"), "utf8")).toBe("1\n");
  expect(readFileSync(join(root, "a/b", "cpuset.cpus"), "utf8")).toBe("1");
  expect(readFileSync(join(root, "a/b", "cpuset.mems"), "utf8")).toBe("0");
  prepareParent({ ...layout, mode: "hybrid", controllers: new Map() }, "/a/b/container");
  rmSync(root, { recursive: true });
});

const isRoot = process.getuid?.() === 0;
const cpuset = isRoot ? (await detectCgroups()).controllers.get("cpuset") : undefined;
test.skipIf(cpuset === undefined)("of this kernel's cpusets (needs root and cgroup v1)", async () => {
  const name = `hoy-test-parent-${process.pid}`;
  prepareParent(await detectCgroups(), `/${name}/container`);
  prepareParent(await detectCgroups(), `/${name}/container`);
  const folder = join(cpuset ?? "", name);
  expect(readFileSync(join(folder, "cpuset.cpus"), "utf8")).toBe(
    readFileSync(join(cpuset ?? "", "cpuset.cpus"), "utf8"),
  );
  rmdirSync(folder);
});
