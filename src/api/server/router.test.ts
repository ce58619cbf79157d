import { expect, test } from "bun:test";
import fc from "fast-check";
import { HoyError } from "../../base/error.ts";
import { Router, splitVersion } from "./router.ts";
import { ROUTES } from "./routes/index.ts";

const router = new Router(ROUTES);
const find = (method: string, path: string) => {
  const match = router.find(method, path);
  return match && [match.route.path, Object.fromEntries(match.params)];
};

test("names of images and of linked containers may hold slashes", () => {
  expect(find("GET", "/images/registry.example:5000/a/b:1/json")).toEqual([
    "/images/{name*}/json",
    { name: "registry.example:5000/a/b:1" },
  ]);
  expect(find("GET", "/images/json")).toEqual(["/images/json", {}]);
  expect(find("GET", "/images/get")).toEqual(["/images/get", {}]);
  expect(find("GET", "/images/get/json")).toEqual(["/images/{name*}/json", { name: "get" }]);
  expect(find("DELETE", "/images/a@sha256:1/json")).toEqual(["/images/{name*}", { name: "a@sha256:1/json" }]);
  expect(find("GET", "/containers/a/b/json")).toEqual(["/containers/{id*}/json", { id: "a/b" }]);
  expect(find("GET", "/networks/a/b")).toBeUndefined();
  expect(find("GET", "/containers/json")).toEqual(["/containers/json", {}]);
  expect(find("GET", "/containers//json")).toBeUndefined();
});

test("no two routes are the same", () => {
  const names = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test("any path is a route, no route, or refused; never anything else", () => {
  const part = fc.oneof(fc.constantFrom("v1.51", "containers", "images", "json", "exec", "..", ""), fc.string());
  fc.assert(
    fc.property(fc.constantFrom("GET", "POST", "DELETE", "PUT", "PATCH"), fc.array(part), (method, parts) => {
      try {
        const { path } = splitVersion(`/${parts.join("/")}`);
        router.find(method, path);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(HoyError);
      }
    }),
    { numRuns: 1000 },
  );
});
