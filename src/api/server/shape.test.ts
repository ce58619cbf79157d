import { expect, test } from "bun:test";
import fc from "fast-check";
import { HoyError } from "../../base/error.ts";
import { createBody, execCreateBody, execStartBody, updateBody } from "./bodies/container.ts";
import { connectBody, networkCreateBody } from "./bodies/network.ts";
import { authBody, volumeCreateBody } from "./bodies/other.ts";
import { decode, int, list, map, object, text } from "./shape.ts";

test("names match whatever their case, unknown ones are passed over, null leaves a field out", () => {
  const body = decode(
    { image: "a", HOSTCONFIG: { memory: 5, Init: null }, Future: 1, Cmd: null, hostname: "h" },
    createBody,
  );
  expect(body).toEqual({ Image: "a", HostConfig: { Memory: 5 }, Hostname: "h" });
});

test("Go's words for what does not fit", () => {
  const wrong = (value: unknown) => () => decode(value, createBody);
  expect(wrong({ HostConfig: { Memory: "1g" } })).toThrow(
    "invalid JSON: json: cannot unmarshal string into Go struct field ContainerConfigWrapper.HostConfig.Memory of type int64",
  );
  expect(wrong({ HostConfig: { Memory: 1.5 } })).toThrow("cannot unmarshal number 1.5 into");
  expect(wrong({ Env: "A=b" })).toThrow(
    "cannot unmarshal string into Go struct field ContainerConfigWrapper.Env of type []string",
  );
  expect(wrong({ Tty: 1 })).toThrow("of type bool");
  expect(wrong([])).toThrow("cannot unmarshal array into Go value of type ContainerConfigWrapper");
  expect(() => decode(2 ** 64, int)).toThrow("int64");
});

test("one string stands for a list of one where Docker takes that", () => {
  expect(decode({ Cmd: "ls", Entrypoint: ["a", "b"] }, createBody)).toEqual({ Cmd: ["ls"], Entrypoint: ["a", "b"] });
});

test("a port without binding stays, told from one that is absent", () => {
  const { HostConfig } = decode({ HostConfig: { PortBindings: { "80/tcp": null } } }, createBody);
  expect(HostConfig?.PortBindings).toEqual(Object.assign(Object.create(null), { "80/tcp": null }));
});

test("a console's size is two numbers", () => {
  expect(decode({ ConsoleSize: [24, 80] }, execStartBody)).toEqual({ ConsoleSize: [24, 80] });
});

test("hostile names and depths do no harm", () => {
  const labels = decode(JSON.parse('{"__proto__":"x"}'), map(text));
  expect(Object.keys(labels)).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  let deep: unknown = [];
  for (let i = 0; i < 100; i++) deep = [deep];
  let shape: Parameters<typeof list>[0] = text;
  for (let i = 0; i < 100; i++) shape = list(shape);
  expect(() => decode(deep, shape)).toThrow("nested too deeply");
  expect(decode({ constructor: 1 }, object<{ a?: string }>("T", { a: text }))).toEqual({});
});

test("any JSON at all is either read or refused as invalid, and what is read is read again the same", () => {
  const bodies = [
    createBody,
    updateBody,
    execCreateBody,
    execStartBody,
    networkCreateBody,
    connectBody,
    volumeCreateBody,
    authBody,
  ];
  const keys = fc.constantFrom(
    "Image",
    "HostConfig",
    "Memory",
    "Env",
    "Cmd",
    "Mounts",
    "Type",
    "NetworkingConfig",
    "Labels",
    "x",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.array(tie("value")), fc.dictionary(keys, tie("value"))),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...bodies), value, (shape, json) => {
      try {
        const read = decode<object>(json, shape as never);
        expect(decode<object>(JSON.parse(JSON.stringify(read)), shape as never)).toEqual(read);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(HoyError);
        expect(thrown).toMatchObject({ code: "invalid" });
      }
    }),
    { numRuns: 500 },
  );
});
