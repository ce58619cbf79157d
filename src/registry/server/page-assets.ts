// The web page's three files, embedded by `bun build`. Imported only when somebody asks for the page; `scripts/build` makes
// the script first.

import script from "../../../dist/registry-page.script" with { type: "text" };
import document from "../web/index.html" with { type: "text" };
import style from "../web/page.css" with { type: "text" };

export const pageAssets: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "/": { type: "text/html; charset=utf-8", text: String(document) },
  "/-/page.css": { type: "text/css; charset=utf-8", text: style },
  "/-/page.js": { type: "text/javascript; charset=utf-8", text: script },
};
