import { COMPLETE } from '../complete-command.js';

/** Bash also splits words at `=` and `:`, so the part of the word before them must not be repeated. */
const BASH = `# bash completion for foster
_foster() {
  local line=\${COMP_LINE:0:COMP_POINT} words current word directive
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  COMPREPLY=()
  local found=()
  mapfile -t found < <("\${COMP_WORDS[0]}" ${COMPLETE} "\${words[@]:1}" 2> /dev/null)
  ((\${#found[@]} > 0)) || return
  directive=\${found[-1]}
  unset 'found[-1]'
  local before=
  if [[ $current == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]]; then before=\${current%"\${current##*[=:]}"}; fi
  for word in "\${found[@]}"; do
    word=\${word%%$'\\t'*}
    COMPREPLY+=("\${word#"$before"}")
  done
  case $directive in
    :files)
      compopt -o filenames
      while read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "\${current##*=}") ;;
    :open) compopt -o nospace ;;
  esac
}
complete -F _foster foster
`;

const ZSH = `#compdef foster
_foster() {
  local -a lines words_found described
  local directive line word
  lines=("\${(@f)$("\${(Q)words[1]}" ${COMPLETE} "\${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  directive=\${lines[-1]}
  lines[-1]=()
  for line in $lines; do
    [[ -n $line ]] || continue
    word=\${line%%$'\\t'*}
    words_found+=("$word")
    if [[ $line == *$'\\t'* ]]; then described+=("$word -- \${line#*$'\\t'}"); else described+=("$word"); fi
  done
  local -a space
  [[ $directive == :open ]] && space=(-S '')
  (( $#words_found )) && compadd $space -l -d described -a words_found
  [[ $directive == :files ]] && { [[ \${words[CURRENT]} == --*=* ]] && compset -P '*='; _files }
  return 0
}
if [ "$funcstack[1]" = _foster ]; then _foster "$@"; else compdef _foster foster; fi
`;

const FISH = `# fish completion for foster
function __foster_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l found ($words[1] ${COMPLETE} $words[2..-1] "$current" 2> /dev/null)
  test (count $found) -gt 0; or return
  for line in $found[1..-2]
    echo $line
  end
  if test "$found[-1]" = :files
    __fish_complete_path "$current"
  end
end
complete -c foster -f -a '(__foster_complete)'
`;

/** Completion scripts by the names of their shells. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
