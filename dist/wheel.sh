#!/usr/bin/env bash
# Makes a wheel of a program that is built already: `pip install` puts it into the folder of scripts.
#
#   dist/wheel.sh PROGRAM PLATFORM FOLDER
#   dist/wheel.sh target/x86_64-unknown-linux-gnu/dist/flowrun manylinux_2_17_x86_64.musllinux_1_1_x86_64 target/packages
#
# The static program needs no library, so one wheel is for every Linux with this processor. Python's package `wheel` packs it.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# != 3 ]; then
    echo "usage: dist/wheel.sh PROGRAM PLATFORM FOLDER" >&2
    exit 2
fi
program=$1 platform=$2 folder=$3
value() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" Cargo.toml | head -1; }
version=$(value version)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

info=$scratch/flowrun/flowrun-$version.dist-info
scripts=$scratch/flowrun/flowrun-$version.data/scripts
mkdir -p "$info/licenses" "$scripts" "$folder"
install -m 755 "$program" "$scripts/$(basename "$program")"
install -m 644 LICENSE-MIT LICENSE-APACHE "$info/licenses"
{
    printf 'Metadata-Version: 2.4\nName: flowrun\nVersion: %s\nSummary: %s\n' "$version" "$(value description)"
    printf 'License-Expression: %s\n' "$(value license)"
    printf 'License-File: LICENSE-MIT\nLicense-File: LICENSE-APACHE\n'
    printf 'Keywords: serial,modem,at-commands,testing\nDescription-Content-Type: text/markdown\n\n'
    cat README.md
} >"$info/METADATA"
{
    printf 'Wheel-Version: 1.0\nGenerator: flowrun\nRoot-Is-Purelib: false\n'
    for one in ${platform//./ }; do
        printf 'Tag: py3-none-%s\n' "$one"
    done
} >"$info/WHEEL"
python3 -m wheel pack --dest-dir "$folder" "$scratch/flowrun"
