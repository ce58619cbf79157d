// Rows of containers and their events.

import type { Migration } from "./database.ts";

export const containerMigrations: readonly Migration[] = [];
