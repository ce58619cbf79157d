// The engine's part in crash.test.ts: adds layers, mounts and removes chains without end, until it is killed.

import { ErofsDriver } from "./erofs.ts";
import { archive, streamOf } from "./fixture.ts";
import { OverlayDriver } from "./overlay.ts";

const [kind = "", data = "", run = "", seed = "0"] = process.argv.slice(2);
const driver = await (kind === "erofs" ? ErofsDriver : OverlayDriver).open({ data, run });
process.stdout.write("ready\n");
for (let n = 0; ; n++) {
  const own = archive(
    { name: "d/" },
    { name: `d/${seed}-${n}`, data: Buffer.alloc(200_000, n % 100) },
    { name: "f", data: `${n}` },
  );
  const shared = archive({ name: "shared", data: "always the same" });
  const one = await driver.addLayer(streamOf(own));
  const two = await driver.addLayer(streamOf(shared));
  await driver.mountChain([two.diffId, one.diffId]);
  if (n % 3 !== 0) continue;
  await driver.removeChain([two.diffId, one.diffId]);
  await driver.removeLayer(one.diffId);
}
