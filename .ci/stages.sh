# What .ci/run and .ci/full are made of, to be sourced: a stage has a title and a limit, and the table says what each took.
# shellcheck shell=bash

# Titles and seconds of the stages so far, in order; "skipped" instead of seconds if there was nothing to run it with.
stage_titles=()
stage_times=()

# stage TITLE SECONDS COMMAND…: runs the command, no longer than so many seconds.
stage() {
    local title=$1 limit=$2 begun=$SECONDS code=0
    shift 2
    printf '\n==== %s\n' "$title"
    timeout --kill-after=10 "$limit" "$@" || code=$?
    if [ "$code" != 0 ]; then
        printf '==== %s: FAILED with exit code %d after %d s\n' "$title" "$code" "$((SECONDS - begun))"
        exit 1
    fi
    printf '==== %s: %d s\n' "$title" "$((SECONDS - begun))"
    stage_titles+=("$title")
    stage_times+=("$((SECONDS - begun)) s")
}

# skip TITLE WHY: says that a stage did not run; it never counts as passed.
skip() {
    printf '\n==== %s: SKIPPED, %s\n' "$1" "$2"
    stage_titles+=("$1")
    stage_times+=("skipped")
}

# print_stages: the table of what each stage took, and all of them.
print_stages() {
    local i
    printf '\n==== what each stage took\n'
    for i in "${!stage_titles[@]}"; do
        printf '%9s  %s\n' "${stage_times[i]}" "${stage_titles[i]}"
    done
    printf '\n==== all: %d s\n' "$SECONDS"
}
