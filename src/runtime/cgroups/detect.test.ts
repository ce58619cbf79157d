import { expect, test } from "bun:test";
import { cgroupLayout } from "./detect.ts";
import { openCgroup } from "./open.ts";
import { cgroupPath } from "./path.ts";

const V2 = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const MEMORY = "40 35 0:33 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory";
const CPU = "41 35 0:34 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct";
const SYSTEMD = "42 35 0:35 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";
const HYBRID = "43 35 0:36 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

test("one hierarchy is v2", () => {
  expect(cgroupLayout(V2)).toMatchObject({ mode: "v2", unified: "/sys/fs/cgroup" });
});

test("controllers of their own are v1, several at one place too", () => {
  const layout = cgroupLayout([MEMORY, CPU, SYSTEMD].join("\n"));
  expect(layout.mode).toBe("v1");
  expect(Object.fromEntries(layout.controllers)).toEqual({
    memory: "/sys/fs/cgroup/memory",
    cpu: "/sys/fs/cgroup/cpu,cpuacct",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
    "name=systemd": "/sys/fs/cgroup/systemd",
  });
});

test("both are hybrid; systemd's empty v1 tree beside v2 is v2", () => {
  expect(cgroupLayout([MEMORY, HYBRID].join("\n"))).toMatchObject({
    mode: "hybrid",
    unified: "/sys/fs/cgroup/unified",
  });
  expect(cgroupLayout([V2, SYSTEMD].join("\n")).mode).toBe("v2");
});

test("binds of parts of a hierarchy are passed over, escapes are read", () => {
  const part = "50 35 0:33 /hoy/abc /mnt/memory ro - cgroup cgroup rw,memory";
  const odd = "51 35 0:33 / /mnt/with\\040space rw - cgroup cgroup rw,memory";
  expect(cgroupLayout([part, odd].join("\n")).controllers.get("memory")).toBe("/mnt/with space");
});

test("no cgroups at all is an error", () => {
  expect(() => cgroupLayout("22 1 0:20 / / rw - ext4 /dev/vda rw")).toThrow("cgroup isn't mounted");
});

test("a container's path is absolute and stays inside", () => {
  expect(cgroupPath("abc", undefined)).toBe("/hoy/abc");
  expect(cgroupPath("abc", "")).toBe("/hoy/abc");
  expect(cgroupPath("abc", "/my/parent")).toBe("/my/parent/abc");
  expect(cgroupPath("abc", "../../parent")).toBe("/parent/abc");
});

test("only a group below the root is ever opened", () => {
  const layout = cgroupLayout(V2);
  for (const path of ["/", "", "/hoy/..", "hoy/x", "/hoy//x", "/hoy/."]) {
    expect(() => openCgroup(layout, path)).toThrow("not the cgroup of a container");
  }
  expect(openCgroup(layout, "/hoy/abc").oomFiles()).toEqual(["/sys/fs/cgroup/hoy/abc/memory.events"]);
  const v1 = openCgroup(cgroupLayout(MEMORY), "/hoy/abc");
  expect(v1.oomFiles()).toEqual(["/sys/fs/cgroup/memory/hoy/abc/memory.oom_control"]);
});
