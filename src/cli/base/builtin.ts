// Node's modules that cost milliseconds to load, for code that seldom needs them and can't wait for an import.

export const lazy = {
  get childProcess() {
    return process.getBuiltinModule("node:child_process");
  },
  get crypto() {
    return process.getBuiltinModule("node:crypto");
  },
  get os() {
    return process.getBuiltinModule("node:os");
  },
};
