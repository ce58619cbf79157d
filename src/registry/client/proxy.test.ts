import { expect, test } from "bun:test";
import { proxyFor } from "./proxy.ts";

const PROXIES = { HTTP_PROXY: "http://plain:3128", HTTPS_PROXY: "secure:3129" };
const via = (url: string, NO_PROXY = "") => proxyFor(url, { ...PROXIES, NO_PROXY });

test("each scheme has its own; the words are read in either case, and without a scheme are http", () => {
  expect(via("http://a.example/v2/")).toBe("http://plain:3128");
  expect(via("https://a.example/v2/")).toBe("http://secure:3129");
  expect(proxyFor("http://a.example", { http_proxy: "http://lower:1" })).toBe("http://lower:1");
  expect(proxyFor("https://a.example", { HTTP_PROXY: "http://plain:3128" })).toBeUndefined();
});

test("this host is never asked through a proxy", () => {
  for (const host of ["localhost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]:5000"])
    expect([host, via(`http://${host}`)]).toEqual([host, undefined]);
});

test.each([
  ["*", "http://a.example", true],
  ["a.example", "http://a.example", true],
  ["A.Example", "http://a.example", true],
  ["example", "http://a.example", true],
  ["ample", "http://a.example", false],
  [".example", "http://a.example", true],
  [".a.example", "http://a.example", false],
  ["*.example", "http://a.example", true],
  [" b.example , a.example ", "http://a.example", true],
  ["a.example:80", "http://a.example", true],
  ["a.example:443", "https://a.example", true],
  ["a.example:5000", "http://a.example", false],
  ["a.example:5000", "http://a.example:5000", true],
  ["10.1.2.3", "http://10.1.2.3:5000", true],
  ["10.1.2.3:5000", "http://10.1.2.3:5000", true],
  ["10.1.2.3:5001", "http://10.1.2.3:5000", false],
  ["10.0.0.0/8", "http://10.1.2.3:5000", true],
  ["10.0.0.0/8", "http://11.1.2.3:5000", false],
  ["10.0.0.0/8", "http://a.example", false],
  ["fd00::/8", "http://[fd00::1]:5000", true],
  ["fd00::1", "http://[fd00::1]:5000", true],
  ["[fd00::1]:5000", "http://[fd00::1]:5000", true],
  ["10.0.0.0/64", "http://10.1.2.3", false],
  ["", "http://a.example", false],
  [",", "http://a.example", false],
])("NO_PROXY=%p, %p: direct %p", (no, url, direct) => {
  expect(via(url, no) === undefined).toBe(direct);
});
