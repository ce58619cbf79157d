import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyChanges } from "./changes.ts";
import type { RunConfig } from "./config.ts";
import { expandWord, splitWords } from "./words.ts";

describe("applyChanges", () => {
  const cases: readonly [string[], RunConfig][] = [
    [['CMD ["a", "b c"]'], { Cmd: ["a", "b c"] }],
    [["CMD echo $HOME"], { Cmd: ["/bin/sh", "-c", "echo $HOME"] }],
    [["cmd [ -f /x ] && true"], { Cmd: ["/bin/sh", "-c", "[ -f /x ] && true"] }],
    [["ENTRYPOINT /run.sh"], { Entrypoint: ["/bin/sh", "-c", "/run.sh"] }],
    [["ENV A=1 B='two words' C=\"$A-x\"", "ENV C=${A}3"], { Env: ["A=1", "B=two words", "C=13"] }],
    [["ENV A=1", "ENV B=${A:-x}${N:-none}${A:+set}${N:+set}"], { Env: ["A=1", "B=1noneset"] }],
    [["ENV old the   rest"], { Env: ["old=the   rest"] }],
    [['LABEL a=b "c d"="e f" g=\\ h'], { Labels: { a: "b", "c d": "e f", g: " h" } }],
    [
      ["EXPOSE 80 53/udp 8000-8001/TCP"],
      { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
    ],
    [["VOLUME /a /b", 'VOLUME ["/c d"]'], { Volumes: { "/a": {}, "/b": {}, "/c d": {} } }],
    [["USER nobody:nogroup"], { User: "nobody:nogroup" }],
    [["WORKDIR /a", "WORKDIR b/../c"], { WorkingDir: "/a/c" }],
    [["STOPSIGNAL SIGRTMIN+3"], { StopSignal: "SIGRTMIN+3" }],
    [["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
    [
      ["HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f localhost"],
      { Healthcheck: { Interval: 90e9, Timeout: 5e8, Retries: 3, Test: ["CMD-SHELL", "curl -f localhost"] } },
    ],
    [['HEALTHCHECK CMD ["true"]'], { Healthcheck: { Test: ["CMD", "true"] } }],
    [["ONBUILD RUN make"], { OnBuild: ["RUN make"] }],
    [["# a comment", "", "ENV A=1 \\\n  B=2"], { Env: ["A=1", "B=2"] }],
  ];
  for (const [changes, expected] of cases) {
    test(changes.join("; "), () => expect(applyChanges({}, changes)).toEqual(expected));
  }

  test("an entry point throws the command away, unless one comes with it", () => {
    const base: RunConfig = { Cmd: ["old"], Env: ["A=1"] };
    expect(applyChanges(base, ["ENTRYPOINT x"]).Cmd).toBeUndefined();
    expect(applyChanges(base, ['CMD ["new"]', "ENTRYPOINT x"]).Cmd).toEqual(["new"]);
    expect(base).toEqual({ Cmd: ["old"], Env: ["A=1"] });
  });

  test("the config's own shell and variables are used", () => {
    const base: RunConfig = { Shell: ["/bin/bash", "-ec"], Env: ["DIR=/srv"] };
    expect(applyChanges(base, ["CMD ls", "WORKDIR $DIR/x"])).toMatchObject({
      Cmd: ["/bin/bash", "-ec", "ls"],
      WorkingDir: "/srv/x",
    });
  });

  const bad: readonly [string, string][] = [
    ["RUN ls", "RUN is not a valid change command"],
    ["FROM x", "FROM is not a valid change command"],
    ["CMD", "CMD requires at least one argument"],
    ["CMD [1]", "arrays must be comprised of strings only"],
    ["ENV A", "ENV must have two arguments"],
    ["ENV A=1 B", 'Syntax error - can\'t find = in "B"'],
    ["ENV A='x", "single-quoted word"],
    ["ENV A=${x", "braced word"],
    ["ENV =x", "ENV names can not be blank"],
    ["EXPOSE 70000", "invalid containerPort: 70000"],
    ["EXPOSE 9-1", "invalid containerPort: 9-1"],
    ["EXPOSE 80/icmp", "invalid proto: icmp"],
    ["USER a b", "USER requires exactly one argument"],
    ["STOPSIGNAL SIGNOPE", "invalid signal: SIGNOPE"],
    ["STOPSIGNAL 99", "invalid signal: 99"],
    ["HEALTHCHECK curl", 'Unknown type "curl" in HEALTHCHECK (try CMD)'],
    ["HEALTHCHECK --interval=1 CMD x", 'time: invalid duration "1"'],
    ["HEALTHCHECK --interval=1us CMD x", "cannot be less than 1ms"],
    ["ONBUILD ONBUILD RUN x", "isn't allowed"],
    ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
    ['VOLUME [""]', "VOLUME specified can not be an empty string"],
  ];
  for (const [change, message] of bad) {
    test(`refuses ${change}`, () => expect(() => applyChanges({}, [change])).toThrow(message));
  }

  test("nesting without end is refused", () => {
    const text = `ENV A=${"${B:-".repeat(100)}x${"}".repeat(100)}`;
    expect(() => applyChanges({}, [text])).toThrow("nested too deeply");
  });
});

describe("words", () => {
  test("a single-quoted word is itself", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("'")),
        (text) => {
          const word = `'${text}'`;
          expect(splitWords(word)).toEqual([word]);
          expect(expandWord(word, new Map([["x", "y"]]))).toBe(text);
        },
      ),
    );
  });
  test("words joined by blanks split again", () => {
    const word = fc.stringMatching(/^[a-z=$./]{1,10}$/);
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitWords(words.join("  "))).toEqual(words);
      }),
    );
  });
  test("double quotes keep blanks, take variables, and backslashes take them away", () => {
    const env = new Map([["A", "1"]]);
    expect(expandWord('"a  $A ${A}"', env)).toBe("a  1 1");
    expect(expandWord('"\\$A \\" \\x"', env)).toBe('$A " \\x');
    expect(expandWord("\\$A$", env)).toBe("$A$");
    expect(expandWord("$", env)).toBe("$");
  });
});
