// Comparing versions of the Engine API: "1.NN", as numbers. Both doors use this: the server to refuse and to shape
// answers, the client to ask for no more than the other side knows.

export { API_VERSION, MIN_API_VERSION } from "../base/version.ts";

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. Missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".");
  const right = b.split(".");
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number(left[i] ?? 0) - Number(right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True for "1.44" and the like: what may stand behind `/v` in a path or in DOCKER_API_VERSION. */
export function isVersion(text: string): boolean {
  return /^[0-9]{1,3}(\.[0-9]{1,4}){1,2}$/.test(text);
}
