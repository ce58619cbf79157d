// The tree of a parsed template: small frozen nodes, as text/template/parse has them, and how each reads as text
// (messages quote nodes).

interface At {
  readonly at: number;
}

export type Node =
  | (At & { readonly kind: "text"; readonly text: string })
  | (At & { readonly kind: "action"; readonly pipe: Pipe })
  | Branch
  | (At & { readonly kind: "break" })
  | (At & { readonly kind: "continue" })
  | (At & { readonly kind: "template"; readonly name: string; readonly pipe: Pipe | undefined });

export interface Branch extends At {
  readonly kind: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export interface Pipe extends At {
  readonly kind: "pipe";
  readonly declared: readonly string[];
  /** `=` and not `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command extends At {
  readonly kind: "command";
  readonly args: readonly Term[];
}

export type Term =
  | (At & { readonly kind: "dot" })
  | (At & { readonly kind: "nil" })
  | (At & { readonly kind: "bool"; readonly value: boolean })
  | (At & { readonly kind: "number"; readonly value: number; readonly text: string })
  | (At & { readonly kind: "string"; readonly value: string; readonly text: string })
  | (At & { readonly kind: "field"; readonly path: readonly string[] })
  | (At & { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] })
  | (At & { readonly kind: "function"; readonly name: string })
  | (At & { readonly kind: "chain"; readonly base: Term; readonly path: readonly string[] })
  | Pipe;

export function textOf(node: Term | Command): string {
  switch (node.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
    case "string":
      return node.text;
    case "field":
      return node.path.map((name) => `.${name}`).join("");
    case "variable":
      return [node.name, ...node.path].join(".");
    case "function":
      return node.name;
    case "chain":
      return `${node.base.kind === "pipe" ? `(${textOf(node.base)})` : textOf(node.base)}${node.path.map((name) => `.${name}`).join("")}`;
    case "command":
      return node.args.map((arg) => (arg.kind === "pipe" ? `(${textOf(arg)})` : textOf(arg))).join(" ");
    case "pipe": {
      const head = node.declared.length > 0 ? `${node.declared.join(", ")} ${node.assigns ? "=" : ":="} ` : "";
      return head + node.commands.map(textOf).join(" | ");
    }
  }
}
