import { describe, expect, test } from "bun:test";
import { fullListing, parseStat } from "./listing.ts";
import { checkPsArgs, parsePs, top } from "./top.ts";

const PS = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 10:17 ?        00:00:01 /sbin/init
root          42       1  0 10:18 ?        00:00:00 nginx: master process
www           43      42  0 10:18 pts/0    00:00:00 sh -c "a  b"
`;

describe("docker top", () => {
  test("only the container's lines, the command whole", () => {
    expect(parsePs(PS, new Set([42, 43]))).toEqual({
      Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
      Processes: [
        ["root", "42", "1", "0", "10:18", "?", "00:00:00", "nginx: master process"],
        ["www", "43", "42", "0", "10:18", "pts/0", "00:00:00", 'sh -c "a b"'],
      ],
    });
  });

  test("threads follow their process", () => {
    const output = "  PID S CMD\n 42 - a\n  - S -\n 50 - b\n  - R -\n";
    expect(parsePs(output, new Set([42])).Processes).toEqual([
      ["42", "-", "a"],
      ["-", "S", "-"],
    ]);
  });

  test("no PID column, or a false one, is refused", () => {
    expect(() => parsePs("USER CMD\nroot x\n", new Set())).toThrow("Couldn't find PID field in ps output");
    expect(() => parsePs("PID\nabc\n", new Set())).toThrow("Unexpected pid 'abc'");
    expect(() => checkPsArgs("-o ppid=PID")).toThrow('specifying "ppid=PID" is not allowed');
    checkPsArgs("-o pid=PID,cmd");
  });

  test("a name may hold brackets and spaces", () => {
    expect(parseStat(`7 (a) b (c) S 1 7 7 34816 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 999 0`)).toEqual({
      name: "a) b (c",
      parent: 1,
      terminal: 34816,
      cpuTicks: 11,
      startTicks: 999,
    });
  });

  test("a process of this machine, by ps and without", async () => {
    const listing = await fullListing([process.pid]);
    expect(listing.Titles.at(-1)).toBe("CMD");
    expect(listing.Processes[0]?.[1]).toBe(String(process.pid));
    expect(listing.Processes[0]?.at(-1)).toContain("bun");
    expect(await fullListing([2 ** 22])).toMatchObject({ Processes: [] });
    const answer = await top([process.pid], "");
    expect(answer.Processes.map((row) => row[answer.Titles.indexOf("PID")])).toEqual([String(process.pid)]);
  });
});
