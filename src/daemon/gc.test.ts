import { expect, test } from "bun:test";
import { gcSettings } from "./gc.ts";

test("times and sizes are read", () => {
  const gc = {
    "images-unused-for": "720h",
    "cache-keep-storage": "20GB",
    "keep-images": "base/*, debian",
    every: "1h30m",
  };
  expect(gcSettings(gc)).toEqual({
    imagesUnusedFor: "720h",
    imagesKeepStorage: undefined,
    cacheUnusedFor: undefined,
    cacheKeepStorage: expect.any(Number),
    keepImages: ["base/*", "debian"],
    everyMs: 5_400_000,
  });
});

test("what can't be meant is refused", () => {
  expect(() => gcSettings({ "image-unused-for": "1h" })).toThrow("is none of");
  expect(() => gcSettings({ "images-unused-for": "a month" })).toThrow('must be a time such as "720h"');
  expect(() => gcSettings({ "images-unused-for": "1h2" })).toThrow("must be a time");
  expect(() => gcSettings({ "images-keep-storage": "much" })).toThrow('must be a size such as "20GB"');
  expect(() => gcSettings({ every: "10s" })).toThrow("less than a minute");
});
