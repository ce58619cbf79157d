// Every option of the daemon, in the order that help shows them, and the look-ups by flag and by key.

import { containerOptions } from "./containers.ts";
import { generalOptions } from "./general.ts";
import { networkOptions } from "./network.ts";
import type { Option } from "./option.ts";

export const options: readonly Option[] = [...generalOptions, ...containerOptions, ...networkOptions];

export const byFlag: ReadonlyMap<string, Option> = new Map(
  options.flatMap((option) => (option.flag === undefined ? [] : [[option.flag, option] as const])),
);

export const byShort: ReadonlyMap<string, Option> = new Map(
  options.flatMap((option) => (option.short === undefined ? [] : [[option.short, option] as const])),
);

export const byKey: ReadonlyMap<string, Option> = new Map(
  options.flatMap((option) => (option.key === undefined ? [] : [[option.key, option] as const])),
);
