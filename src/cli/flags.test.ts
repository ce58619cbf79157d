// Flags, as pflag reads them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UsageError } from "./base/errors.ts";
import { flag } from "./flag.ts";
import { parseFlags } from "./flags.ts";

const specs = {
  all: flag.bool("", { short: "a" }),
  tty: flag.bool("", { short: "t" }),
  proxy: flag.bool("", { initial: true }),
  name: flag.string("", { short: "n" }),
  memory: flag.bytes("", { short: "m" }),
  count: flag.int("", { short: "c" }),
  port: flag.uint("", { bits: 16 }),
  env: flag.list("", { short: "e" }),
  words: flag.strings(""),
  option: flag.map("", { short: "o" }),
  filter: flag.filter("", { short: "f" }),
  wait: flag.duration(""),
  timeout: flag.int(""),
  time: flag.alias("timeout", flag.int("")),
};

const parse = (line: string, interspersed = true) =>
  parseFlags(specs, line.split(" ").filter(Boolean), { interspersed });

describe("forms", () => {
  test("clusters, values behind letters, after = and in the next word", () => {
    expect(parse("-at").values).toMatchObject({ all: true, tty: true });
    expect(parse("-atn web").values).toMatchObject({ all: true, tty: true, name: "web" });
    expect(parse("-nweb").values.name).toBe("web");
    expect(parse("-n=web").values.name).toBe("web");
    expect(parse("-an=web").values).toMatchObject({ all: true, name: "web" });
    expect(parse("--name web").values.name).toBe("web");
    expect(parse("--name=web=x").values.name).toBe("web=x");
    expect(parse("--name=").values.name).toBe("");
    expect(parse("-n -x").values.name).toBe("-x");
  });

  test("switches take a value only behind =", () => {
    expect(parse("--proxy=false").values.proxy).toBe(false);
    expect(parse("-a=false").values.all).toBe(false);
    expect(parse("--all false")).toMatchObject({ values: { all: true }, args: ["false"] });
    expect(parse("-a=T").values.all).toBe(true);
  });

  test("lists and maps grow", () => {
    expect(parse("-e A=1 --env B -eC").values.env).toEqual(["A=1", "B", "C"]);
    expect(parse("--words a,b --words c").values.words).toEqual(["a", "b", "c"]);
    expect([...parse("-o a=1 -o b -o a=2").values.option]).toEqual([
      ["a", "2"],
      ["b", ""],
    ]);
    expect([...parse("-f a=1 -f A=2 -f b=x").values.filter]).toEqual([
      ["a", ["1", "2"]],
      ["b", ["x"]],
    ]);
  });

  test("-- ends flags; so does the first argument when flags are not interspersed", () => {
    expect(parse("x -a -- -t").args).toEqual(["x", "-t"]);
    expect(parse("x -a -- -t").values).toMatchObject({ all: true, tty: false });
    expect(parse("-a x -t -- y", false)).toMatchObject({
      args: ["x", "-t", "--", "y"],
      values: { all: true, tty: false },
    });
    expect(parse("- -a")).toMatchObject({ args: ["-"], values: { all: true } });
  });

  test("an alias sets its target, and what was written is known", () => {
    const { values, changed } = parse("--time 3");
    expect(values.timeout).toBe(3);
    expect([...changed]).toEqual(["timeout"]);
  });

  test("numbers, sizes and durations", () => {
    expect(parse("-c 0x10").values.count).toBe(16);
    expect(parse("-c -5").values.count).toBe(-5);
    expect(parse("-m 1.5g").values.memory).toBe(1610612736);
    expect(parse("--wait 1h2m3.5s").values.wait).toBe(3723.5e9);
  });
});

const REFUSED: [string, string][] = [
  ["--foo", "unknown flag: --foo"],
  ["--foo=1", "unknown flag: --foo"],
  ["-z", "unknown shorthand flag: 'z' in -z"],
  ["-azt", "unknown shorthand flag: 'z' in -zt"],
  ["--name", "flag needs an argument: --name"],
  ["-n", "flag needs an argument: 'n' in -n"],
  ["-an", "flag needs an argument: 'n' in -n"],
  ["---x", "bad flag syntax: ---x"],
  ["--=x", "bad flag syntax: --=x"],
  ["--all=x", 'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax'],
  ["-c x", 'invalid argument "x" for "-c, --count" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [
    "--port 65536",
    'invalid argument "65536" for "--port" flag: strconv.ParseUint: parsing "65536": value out of range',
  ],
  ["--port -1", 'invalid argument "-1" for "--port" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
  ["-m x", `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`],
  ["-f x", 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)'],
  ["--wait 5", 'invalid argument "5" for "--wait" flag: time: missing unit in duration "5"'],
  ["--constructor", "unknown flag: --constructor"],
];

test.each(REFUSED)("%s is refused in pflag's words", (line, message) => {
  expect(() => parse(line)).toThrow(new UsageError(message));
});

test("whatever the words, it answers or refuses, and loses no argument behind --", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 8 })), fc.array(fc.string({ maxLength: 8 })), (before, after) => {
      try {
        const { args } = parseFlags(specs, [...before, "--", ...after], { interspersed: true });
        expect(args.slice(args.length - after.length)).toEqual(after);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(UsageError);
      }
    }),
  );
});
