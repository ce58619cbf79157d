// Maps that may not grow without end: what is longest in them goes first. When a key is to count as new again, its owner
// takes it out before it puts it in.

/** Room for one more key in a map of at most `most`. */
export function makeRoom<K>(map: Map<K, unknown>, most: number): void {
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined) map.delete(oldest);
}
