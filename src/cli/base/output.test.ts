// The outputs of a real process: what other programs see of them.

import { expect, test } from "bun:test";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

const IO = join(import.meta.dir, "../io.ts");

/** A program with `io`; then what a shell does with its output. */
function shell(program: string, then: string) {
  const source = `import { processIo } from ${JSON.stringify(IO)}; const io = processIo("hoy");
    const big = new Uint8Array(1 << 20).fill(65);
    ${program}
    await io.stdout.flush(); await io.stderr.flush();
    process.exit(io.stdout.failure === undefined ? 0 : 9);`;
  return spawnSync("sh", ["-c", `"$BUN" -e "$SOURCE" ${then}`], {
    env: { ...process.env, BUN: process.execPath, SOURCE: source },
    encoding: "utf8",
  });
}

test.each(["| cat", "> file; cat file; rm file", "2>/dev/null | cat"])("text and bytes in their order: %p", (then) => {
  const program = 'io.stdout.line("a"); await io.stdout.write(Buffer.from("b\\n")); io.stdout.line("c");';
  const directory = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
  try {
    expect(shell(program, then.replaceAll("file", `${directory}/f`)).stdout).toBe("a\nb\nc\n");
  } finally {
    execFileSync("rm", ["-r", directory]);
  }
});

test("a slow reader gets everything", () => {
  const program = "for (let i = 0; i < 8; i++) await io.stdout.write(big); io.stdout.line('end');";
  expect(shell(program, "| { sleep 0.2; wc -c; }").stdout.trim()).toBe(String(8 * (1 << 20) + 4));
});

test("a reader that goes, and a full disk, are failures of the output", () => {
  const program =
    "try { for (let i = 0; i < 8; i++) await io.stdout.write(big); } catch (error) { io.stderr.line(error.code); }";
  expect(shell(program, "| true").stderr).toBe("EPIPE\n");
  const full = shell(program, "> /dev/full");
  expect(full).toMatchObject({ stderr: "ENOSPC\n", status: 9 });
  expect(shell("io.stdout.line('x');", "> /dev/full").status).toBe(9);
});

test("a terminal is told by its device; /dev/null, a file and a pipe are none", () => {
  const program = "io.stderr.line(String([io.stdout.isTTY, io.stdin.isTTY]));";
  expect(shell(program, "> /dev/null < /dev/zero").stderr).toBe("false,false\n");
  expect(shell(program, "| cat").stderr).toBe("false,false\n");
  const terminal = spawnSync("script", ["-qec", `"$BUN" -e "$SOURCE"`, "/dev/null"], {
    env: {
      ...process.env,
      BUN: process.execPath,
      SOURCE: `import { processIo } from ${JSON.stringify(IO)}; const io = processIo("hoy"); io.stdout.line(String([io.stdout.isTTY, io.stdin.isTTY]));`,
    },
    encoding: "utf8",
    input: "",
  });
  expect(terminal.stdout).toContain("true,true");
});

test("input from a pipe and from nothing", () => {
  const program = "let n = 0; for await (const piece of io.stdin.read()) n += piece.length; io.stdout.line(String(n));";
  expect(shell(program, "< /dev/null").stdout).toBe("0\n");
  const source = `head -c 3000000 /dev/zero | { "$BUN" -e "$SOURCE"; }`;
  expect(
    spawnSync("sh", ["-c", source], {
      env: {
        ...process.env,
        BUN: process.execPath,
        SOURCE: `import { processIo } from ${JSON.stringify(IO)}; const io = processIo("hoy"); ${program}`,
      },
      encoding: "utf8",
    }).stdout,
  ).toBe("3000000\n");
});
