// `completion`: the script that makes a shell ask us what may come next.

import { ExitError } from "../base/errors.ts";
import { args, command } from "../command.ts";

export const completion = command({
  usage: "bash|zsh|fish",
  args: args.exactly(1),
  details:
    "Bash: put the output in /etc/bash_completion.d/, or source it from ~/.bashrc.\nZsh:  put it as _PROGRAM in a directory of $fpath.\nFish: put it in ~/.config/fish/completions/PROGRAM.fish.",
  flags: {},
  async run({ io, program }, { args: [shell = ""] }) {
    const script = SCRIPTS[shell];
    if (script === undefined)
      throw new ExitError(1, `no completion for ${JSON.stringify(shell)}: must be bash, zsh or fish`);
    io.stdout.print(script(program));
  },
});

const SCRIPTS: Readonly<Record<string, (program: string) => string>> = {
  bash: (program) => `# bash completion for ${program}
_${program}_complete() {
  local IFS=$'\\n' word="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(${program} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "$word"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _${program}_complete ${program}
`,
  zsh: (program) => `#compdef ${program}
_${program}() {
  local -a found
  local line
  while IFS=$'\\t' read -r word help; do
    found+=("\${word//:/\\\\:}:$help")
  done < <(${program} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe '${program}' found; else _files; fi
}
compdef _${program} ${program}
`,
  fish: (program) => `# fish completion for ${program}
function __${program}_complete
  set -l words (commandline -opc)
  ${program} __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c ${program} -f -a '(__${program}_complete)'
`,
};
