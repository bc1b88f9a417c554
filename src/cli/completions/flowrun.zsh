#compdef flowrun
# Completes the words of flowrun in zsh: flowrun itself says what fits.
_flowrun() {
    local line value help
    local -a open open_shown closed closed_shown
    for line in "${(@f)$("${(Q)words[1]}" completions zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*}
        help=${line#$value}
        help=${help#$'\t'}
        if [[ $value == *[=:/] ]]; then
            open+=("$value")
            open_shown+=("$value${help:+  -- $help}")
        else
            closed+=("$value")
            closed_shown+=("$value${help:+  -- $help}")
        fi
    done
    local ret=1
    (( ${#closed} )) && compadd -l -V flowrun -d closed_shown -a closed && ret=0
    (( ${#open} )) && compadd -l -V flowrun -d open_shown -S '' -a open && ret=0
    return ret
}
if [[ $funcstack[1] == _flowrun ]]; then
    _flowrun "$@"
else
    compdef _flowrun flowrun
fi
