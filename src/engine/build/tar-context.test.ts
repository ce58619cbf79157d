// The last file of a context may lack its padding, which Docker's client leaves out; it may not lack its data.

import { expect, test } from "bun:test";
import { readTar } from "../../storage/tar/reader.ts";
import { tarOf } from "./testing.ts";

async function names(bytes: Uint8Array, unpadded: boolean): Promise<string[]> {
  const found: string[] = [];
  const source = (async function* () {
    yield bytes;
  })();
  for await (const { entry } of readTar(source, { unpadded })) found.push(entry.name);
  return found;
}

test("a tar that ends with its last file's data", async () => {
  const cut = tarOf([{ path: "a", data: "0123456789" }]).subarray(0, 512 + 10);
  expect(await names(cut, true)).toEqual(["a"]);
  await expect(names(cut, false)).rejects.toThrow("unexpected end");
  await expect(names(cut.subarray(0, 512 + 9), true)).rejects.toThrow("unexpected end");
});
