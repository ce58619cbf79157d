// Go templates, held against Go: the cases' outputs and errors were made by text/template itself.

import { describe, expect, test } from "bun:test";
import { renderList } from "../format/list.ts";
import { compileTemplate } from "./template.ts";
import golden from "./testdata/go-templates.json" with { type: "json" };
import { TemplateError } from "./token.ts";
import { typed } from "./typed.ts";
import { type Value, View } from "./value.ts";

interface Case {
  readonly template: string;
  readonly output?: string;
  readonly error?: string;
}

describe("as Go's text/template", () => {
  test.each(golden.cases as readonly Case[])("$template", ({ template, output, error }) => {
    expect(outcome(template, golden.data as Value)).toEqual(error === undefined ? { output } : { error });
  });
});

function outcome(template: string, value: Value): { output?: string; error?: string } {
  try {
    return { output: compileTemplate(template).render(value) };
  } catch (thrown) {
    if (thrown instanceof TemplateError) return { error: thrown.message };
    throw thrown;
  }
}

const container = new View(
  "*formatter.ContainerContext",
  { ID: () => "abc", Names: () => "web", Ports: () => "0.0.0.0:80->80/tcp" },
  { Label: (name) => (name === "role" ? "db" : "") },
);
const headers = { ID: "CONTAINER ID", Names: "NAMES", Ports: "PORTS" };
const list = (format: string, rows = [container]) => renderList({ format, headers, rows });

describe("lists", () => {
  test("a table has headers, three columns of padding, and its last column free", () => {
    expect(list("table {{.ID}}\t{{.Names}}\t{{.Ports}}")).toBe(
      "CONTAINER ID   NAMES     PORTS\nabc            web       0.0.0.0:80->80/tcp\n",
    );
  });

  test("\\t and \\n may be written as two signs", () => {
    expect(list("table {{.ID}}\\t{{.Names}}")).toBe("CONTAINER ID   NAMES\nabc            web\n");
    expect(list("{{.ID}}\\n{{.Names}}")).toBe("abc\nweb\n");
  });

  test("labels are headed by their last word", () => {
    expect(list('table {{.Label "com.example.some-role"}}')).toBe("some role\n\n");
    expect(list('{{.Label "role"}}')).toBe("db\n");
  });

  test("functions that would change the header leave it", () => {
    expect(list("table {{upper .Names}}\t{{json .ID}}\t{{truncate .Ports 3}}")).toBe(
      'NAMES     CONTAINER ID   PORTS\nWEB       "abc"          0.0\n',
    );
  });

  test("json has the fields by name, with < > & as escapes", () => {
    expect(list("json")).toBe('{"ID":"abc","Names":"web","Ports":"0.0.0.0:80-\\u003e80/tcp"}\n');
    expect(list("{{json .Ports}}")).toBe('"0.0.0.0:80->80/tcp"\n');
  });

  test("no rows: the table is its header, a template nothing", () => {
    expect(list("table {{.ID}}\t{{.Names}}", [])).toBe("CONTAINER ID   NAMES\n");
    expect(list("{{.ID}}", [])).toBe("");
  });

  test("a field that is not there is named with docker's type", () => {
    expect(() => list("{{.Nope}}")).toThrow(
      'template parsing error: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.ContainerContext',
    );
  });
});

describe("API objects", () => {
  const object = typed(
    {
      Id: "1",
      State: { Running: true },
      HostConfig: { NetworkMode: "host", NanoCpus: 5, Dns: ["a"] },
    },
    "Container",
  );
  const render = (template: string) => compileTemplate(template).render(object, { missingKey: "error" });

  test("fields that JSON leaves out have their zero value", () => {
    expect(render("{{if .State.Health}}yes{{else}}none{{end}}")).toBe("none");
    expect(render("{{len .HostConfig.Mounts}}")).toBe("0");
  });

  test("Go's names work beside JSON's, and neither json nor range sees them", () => {
    expect(render('{{.ID}} {{.Id}} {{.HostConfig.NanoCPUs}} {{join .HostConfig.DNS ","}}')).toBe("1 1 5 a");
    expect(render("{{json .HostConfig}}")).toContain('"CpuShares":0,"Memory":0,"NanoCpus":5,"CgroupParent":""');
    expect(render("{{range $k, $v := .State}}{{$k}} {{end}}")).not.toContain("Health");
  });

  test("anything else that is missing is an error", () => {
    expect(() => render("{{.State.Foo}}")).toThrow('map has no entry for key "Foo"');
  });
});

test("a template that calls itself ends with an error, not with the stack", () => {
  expect(outcome('{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}', {}).error).toContain(
    "exceeded maximum template depth",
  );
});
