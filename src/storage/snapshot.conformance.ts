// The contract of snapshot drivers, as a test that each of them runs: what a layer is, what a chain shows, and that
// nothing half-made stays. What is seen is looked at through an overlay, as a container does. One subject a file in
// conformance/.

import { describe } from "bun:test";
import { chainsContract } from "./conformance/chains.ts";
import { hostileContract } from "./conformance/hostile.ts";
import { layersContract } from "./conformance/layers.ts";
import { restartContract } from "./conformance/restart.ts";
import type { OpenDriver } from "./conformance/set-up.ts";
import { treesContract } from "./conformance/trees.ts";

export function snapshotConformance(name: string, open: OpenDriver): void {
  describe(`snapshot driver ${name}`, () => {
    layersContract(open);
    treesContract(open);
    chainsContract(open);
    restartContract(open);
    hostileContract(open);
  });
}
