// Run by kill.test.ts in a process of its own, to be killed: loads, mounts and removes the same images for ever.

import { readFileSync } from "node:fs";
import type { DriverName } from "../../src/storage/drivers/open.ts";
import { drain, NEVER, once, openHouse } from "./house.ts";

const [driver = "overlay", root = "", archive = ""] = process.argv.slice(2);
const { shelf, images } = await openHouse(driver as DriverName, root);
const bytes = readFileSync(archive);
console.log("ready");
for (;;) {
  await drain(await images.load(once(bytes), { quiet: true, platform: undefined }, NEVER));
  await shelf.lowers((await shelf.resolve("one")).id);
  await images.remove("one", { force: true, prune: true });
  await images.remove("two", { force: true, prune: true });
}
