// Files imported as text (see page-assets.ts).
declare module "*/registry-page.script" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: the bundler gives a file that way.
  export default text;
}
declare module "*.css" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: the bundler gives a file that way.
  export default text;
}
