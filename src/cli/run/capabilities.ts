// --cap-add and --cap-drop: written in any case, with CAP_ or without. Which exist, and which of the two lists wins, is
// the engine's knowledge.

/** In the kernel's spelling, sorted, without doubles. */
export function normalCapabilities(names: readonly string[]): string[] {
  return [...new Set(names.map(normalName))].sort();
}

function normalName(written: string): string {
  const name = written.trim().toUpperCase();
  return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
}
