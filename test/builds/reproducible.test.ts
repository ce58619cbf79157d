// The same context builds the same image twice: at two engines, one on each storage driver, days apart for all they know.

import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { have } from "../harness/needs.ts";

if (!have.erofs) test.skip("reproducible builds (skipped: this kernel has no EROFS)", () => undefined);
else {
  const [one, other] = [
    await testDaemon({ flags: ["--storage-driver=erofs"] }),
    await testDaemon({ flags: ["--storage-driver=overlay"] }),
  ];
  const root = mkdtempSync(join(tmpdir(), "hoy-same-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** The same files with other times, made in another order. */
  const checkout = (name: string, order: readonly string[], time: number): string => {
    const directory = join(root, name);
    mkdirSync(join(directory, "src/deep"), { recursive: true });
    for (const file of order) {
      writeFileSync(join(directory, file), `${file}\n`);
      utimesSync(join(directory, file), time, time);
    }
    chmodSync(join(directory, "src/run"), 0o755);
    symlinkSync("deep/a", join(directory, "src/link"));
    writeFileSync(
      join(directory, "Dockerfile"),
      `FROM busybox AS build
WORKDIR /work
COPY src src
RUN mkdir -p out/empty && cat src/deep/* > out/all && ln out/all out/hard && ln -s all out/soft && mkfifo out/pipe && chown -R 12:34 out
RUN rm -r /home && mkdir /home && echo replaced > /home/file
FROM scratch
LABEL a=1 b=2
ENV X=1
COPY --from=build --chmod=u=rwX,go=rX /work/out /
COPY --link src/run /bin/run
ADD --chown=1:2 src /src
`,
    );
    return directory;
  };
  const files = ["src/deep/a", "src/deep/b", "src/run"];
  const first = checkout("one", files, 1_000_000_000);
  const second = checkout("two", files.toReversed(), 1_600_000_000);

  const built = async (daemon: typeof one, where: string) => {
    const flags = ["--network", "none", "--no-cache", "-q", "--build-arg", "SOURCE_DATE_EPOCH=900000000"];
    const id = await ok(daemon.hoy("build", ...flags, where));
    return { id, layers: await ok(daemon.hoy("inspect", "-f", "{{json .RootFS.Layers}} {{.Created}}", id)) };
  };

  test("with a source date: the same id, on both drivers, from another checkout", async () => {
    // The base is made by each engine itself.
    const images = await Promise.all(
      [one, other].map((daemon) => ok(daemon.hoy("inspect", "-f", "{{json .RootFS.Layers}}", "busybox"))),
    );
    expect(new Set(images).size).toBe(1);
    const all = [
      await built(one, first),
      await built(one, second),
      await built(other, first),
      await built(other, second),
    ];
    expect(new Set(all.map(({ layers }) => layers)).size).toBe(1);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all[0]?.layers).toContain("1998-07-09T16:00:00");
  });
}
