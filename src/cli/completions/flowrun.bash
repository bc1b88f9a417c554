# Completes the words of flowrun in bash: flowrun itself says what fits.
_flowrun() {
    local rest=${COMP_LINE:0:COMP_POINT} words=() word gap i
    # Bash parts words at : and = too. Here they are put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${rest%%[![:space:]]*}
        rest=${rest:${#gap}}
        word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$rest
        rest=${rest:${#word}}
        if [[ -n $gap || ${#words[@]} -eq 0 ]]; then
            words+=("$word")
        else
            words[${#words[@]} - 1]+=$word
        fi
    done
    local current=${words[${#words[@]} - 1]} quote="" kept="" part char
    [[ $current == [\'\"]* ]] && quote=${current:0:1}
    for i in "${!words[@]}"; do
        words[i]=${words[i]//[\'\"\\]/}
    done
    current=${words[${#words[@]} - 1]}
    # Only what follows the last : or = is replaced.
    for char in : =; do
        if [[ -z $quote && $COMP_WORDBREAKS == *"$char"* && $current == *"$char"* ]]; then
            part=${current%"$char"*}$char
            ((${#part} <= ${#kept})) || kept=$part
        fi
    done
    COMPREPLY=()
    local value help
    while IFS=$'\t' read -r value help; do
        value=${value#"$kept"}
        [[ -z $quote && $value == *[\ \(\)\&\;\'\"\*\?\[\$\`\|\<\>]* ]] && printf -v value %q "$value"
        COMPREPLY+=("$value")
    done < <("${1/#\~/$HOME}" completions bash -- "${words[@]:1}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _flowrun flowrun 2>/dev/null || complete -F _flowrun flowrun
