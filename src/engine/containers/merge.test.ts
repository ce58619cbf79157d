import { describe, expect, test } from "bun:test";
import { mergeConfig } from "./merge.ts";

const image = {
  User: "app",
  Env: ["PATH=/bin", "A=image"],
  Cmd: ["serve"],
  Entrypoint: ["/entry"],
  WorkingDir: "/srv",
  Labels: { from: "image", both: "image" },
  ExposedPorts: { "80/tcp": {} },
  Volumes: { "/data": {} },
  StopSignal: "SIGINT",
  Healthcheck: { Test: ["CMD", "check"], Interval: 5e9, Retries: 4 },
};

test("what the user left open, the image fills in", () => {
  expect(mergeConfig({ Image: "app" }, image)).toMatchObject({
    User: "app",
    Env: ["PATH=/bin", "A=image"],
    Cmd: ["serve"],
    Entrypoint: ["/entry"],
    WorkingDir: "/srv",
    StopSignal: "SIGINT",
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    Labels: { from: "image", both: "image" },
  });
});

test("the user's variables and labels win, and stand first", () => {
  const merged = mergeConfig({ Env: ["A=user", "B=2"], Labels: { both: "user" } }, image);
  expect(merged.Env).toEqual(["A=user", "B=2", "PATH=/bin"]);
  expect(merged.Labels).toEqual({ from: "image", both: "user" });
});

describe("the command", () => {
  test("a user's entrypoint throws the image's command away", () => {
    const merged = mergeConfig({ Entrypoint: ["sh"] }, image);
    expect([merged.Entrypoint, merged.Cmd]).toEqual([["sh"], undefined]);
  });

  test("a user's command keeps the image's entrypoint", () => {
    const merged = mergeConfig({ Cmd: ["x"] }, image);
    expect([merged.Entrypoint, merged.Cmd]).toEqual([["/entry"], ["x"]]);
  });

  test('an entrypoint of [""] takes the image\'s away and leaves the command', () => {
    const merged = mergeConfig({ Entrypoint: [""], Cmd: ["x"] }, image);
    expect([merged.Entrypoint, merged.Cmd]).toEqual([undefined, ["x"]]);
  });

  test("null, as Go's client sends it, is left open", () => {
    const merged = mergeConfig({ Entrypoint: null, Cmd: null, Env: null } as never, image);
    expect([merged.Entrypoint, merged.Cmd, merged.Env]).toEqual([["/entry"], ["serve"], ["PATH=/bin", "A=image"]]);
  });
});

test("a health check is filled in member by member, and NONE stays NONE", () => {
  expect(mergeConfig({ Healthcheck: { Retries: 1 } }, image).Healthcheck).toEqual({
    Test: ["CMD", "check"],
    Interval: 5e9,
    Retries: 1,
  });
  expect(mergeConfig({ Healthcheck: { Test: ["NONE"] } }, image).Healthcheck?.Test).toEqual(["NONE"]);
});
