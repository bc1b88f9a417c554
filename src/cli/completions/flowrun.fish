# Completes the words of flowrun in fish: flowrun itself says what fits.
function __flowrun_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l program $words[1]
    set -e words[1]
    eval $program completions fish -- (string escape -- $words "$current") 2>/dev/null
end
complete --keep-order --no-files --command flowrun --arguments '(__flowrun_complete)'
