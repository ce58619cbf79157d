// Every step of the schema, in order. Add at the end; never change a step that has been released.

import { buildMigrations, buildMountMigrations } from "./build.ts";
import { buildHistoryMigrations } from "./build-history.ts";
import { buildStepMigrations } from "./build-steps.ts";
import { containerMigrations } from "./containers.ts";
import type { Migration } from "./database.ts";
import { imageIndexMigrations } from "./image-indexes.ts";
import { imageMountMigrations } from "./image-mounts.ts";
import { imageMigrations, imageUseMigrations } from "./images.ts";
import { networkMigrations } from "./networks.ts";
import { doomedVolumeMigrations, volumeMigrations } from "./volumes.ts";

export const migrations: readonly Migration[] = [
  ...imageMigrations,
  ...containerMigrations,
  ...volumeMigrations,
  ...networkMigrations,
  ...buildMigrations,
  ...buildStepMigrations,
  ...imageUseMigrations,
  ...imageMountMigrations,
  ...buildMountMigrations,
  ...buildHistoryMigrations,
  ...doomedVolumeMigrations,
  ...imageIndexMigrations,
];
