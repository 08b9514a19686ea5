# quern for bash
_quern() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= w
  case $prev in
    -m|--model) COMPREPLY=($(compgen -W "$(quern model ls -q 2>/dev/null)" -- "$cur")); return ;;
    --lang) COMPREPLY=($(compgen -W "cpp go js python rust" -- "$cur")); return ;;
    --kind) COMPREPLY=($(compgen -W "http command filter" -- "$cur")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")); return ;;
  esac
  for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $w" in
      " chat"|" run"|" replay"|" serve"|" model"|" pack"|" compose"|" inspect"|" push"|" pull"|" sign"|" verify"|" pipe"|" compile"|" new"|" doctor"|" completion"|" version"|" help")
        path=$w ;;
      "model pull"|"model ls"|"model show"|"model rm"|"pipe init"|"pipe check"|"pipe test"|"pipe run"|"pipe top"|"pipe tap"|"pipe replay"|"pipe reload"|"pipe search"|"pipe approvals"|"pipe approve"|"pipe deny"|"pipe ui"|"pipe templates") path="$path $w" ;;
    esac
  done
  case $path in
    "") words="chat run replay serve model pack compose inspect push pull sign verify pipe compile new doctor completion version help --model --lora --ctx-size --threads --max-running --cache-tokens --cache-memory --port --host --allow-host --api-key-file --tls-cert --tls-key --max-requests --record --record-limit --allow-origin --no-open --log-level --help --version " ;;
    "chat") words="--model --lora --ctx-size --threads --max-running --cache-tokens --cache-memory --system --temperature --seed --max-tokens --log-level --help " ;;
    "run") words="--dir --env --net --listen --store --config --graphs --manifest --memory --timeout --cpu --tokens --model --lora --ctx-size --threads --max-running --cache-tokens --cache-memory --nn-preload --invoke --record --record-limit --log-level --help " ;;
    "replay") words="--program --check --log-level --help " ;;
    "serve") words="--port --host --allow-host --api-key-file --tls-cert --tls-key --max-requests --dir --env --net --listen --store --config --graphs --manifest --memory --timeout --cpu --tokens --model --lora --ctx-size --threads --max-running --cache-tokens --cache-memory --nn-preload --record --record-limit --log-level --help " ;;
    "model") words="pull ls show rm --log-level --help " ;;
    "model pull") words="--log-level --help $(quern model ls -q 2>/dev/null)" ;;
    "model ls") words="--json --quiet --log-level --help " ;;
    "model show") words="--log-level --help --json $(quern model ls -q 2>/dev/null)" ;;
    "model rm") words="--log-level --help $(quern model ls -q 2>/dev/null)" ;;
    "pack") words="--output --name --system --lora --log-level --help " ;;
    "compose") words="--with --output --log-level --help " ;;
    "inspect") words="--json --plain-http --log-level --help " ;;
    "push") words="--without-weights --plain-http --log-level --help " ;;
    "pull") words="--output --plain-http --log-level --help " ;;
    "sign") words="--key --plain-http --log-level --help " ;;
    "verify") words="--key --plain-http --log-level --help " ;;
    "pipe") words="init check test run top tap replay reload search approvals approve deny ui templates --log-level --help " ;;
    "pipe init") words="--log-level --help " ;;
    "pipe check") words="--log-level --help " ;;
    "pipe test") words="--log-level --help " ;;
    "pipe run") words="--log-level --help " ;;
    "pipe top") words="--log-level --help " ;;
    "pipe tap") words="--log-level --help " ;;
    "pipe replay") words="--log-level --help --to " ;;
    "pipe reload") words="--log-level --help " ;;
    "pipe search") words="--log-level --help --template --since --limit " ;;
    "pipe approvals") words="--log-level --help " ;;
    "pipe approve") words="--log-level --help " ;;
    "pipe deny") words="--log-level --help " ;;
    "pipe ui") words="--log-level --help " ;;
    "pipe templates") words="--state --lines --json --log-level --help " ;;
    "compile") words="--output --log-level --help " ;;
    "new") words="--lang --kind --log-level --help " ;;
    "doctor") words="--json --log-level --help " ;;
    "completion") words="--log-level --help " ;;
    "version") words="--log-level --help " ;;
    "help") words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur") $(compgen -f -- "$cur"))
}
complete -o filenames -F _quern quern
