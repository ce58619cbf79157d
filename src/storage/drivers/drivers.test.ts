// Both snapshot drivers against their contract; needs root.

import { snapshotConformance } from "../snapshot.conformance.ts";
import { ErofsDriver } from "./erofs.ts";
import { OverlayDriver } from "./overlay.ts";

snapshotConformance("erofs", (where) => ErofsDriver.open(where));
snapshotConformance("overlay", (where) => OverlayDriver.open(where));
