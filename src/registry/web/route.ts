// The page's addresses: what is behind the # names what is shown, so that every view can be linked, and nothing but one
// document is asked of the server.
//   #/                         all repositories
//   #/NAME                     one
//   #/NAME@REFERENCE           an image of it, by tag or digest
//   #sign-in

export type Route =
  | { readonly view: "repositories" | "sign-in" }
  | { readonly view: "repository"; readonly name: string }
  | { readonly view: "image"; readonly name: string; readonly reference: string };

export function parseRoute(hash: string): Route {
  if (hash === "#sign-in") return { view: "sign-in" };
  const [, name, reference] = /^#\/([a-z0-9][a-z0-9._/-]*)(?:@([A-Za-z0-9_][A-Za-z0-9._+:-]*))?$/.exec(hash) ?? [];
  if (name === undefined) return { view: "repositories" };
  return reference === undefined ? { view: "repository", name } : { view: "image", name, reference };
}

export const toRepository = (name: string) => `#/${name}`;
export const toImage = (name: string, reference: string) => `#/${name}@${reference}`;
