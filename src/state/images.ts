// Rows of images, tags, layers and blobs.

import type { Migration } from "./database.ts";

export const imageMigrations: readonly Migration[] = [];
