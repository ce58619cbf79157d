// The built shim, imported as the path of a file (see embedded-shim.ts).
declare module "*/hoy-shim" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: the bundler gives a file that way.
  export default path;
}
