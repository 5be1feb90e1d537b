#!/usr/bin/env bash
# Compares the shared C library with the description of its ABI that is kept beside this script, and fails where they
# differ: a program that was linked with the library before must go on with it.
#
#   abi.sh LIBRARY            LIBRARY has debugging information
#   abi.sh LIBRARY --update   describes LIBRARY anew, for a change that is wanted; it belongs in the same commit
set -euo pipefail

library=${1:?"usage: $0 LIBRARY [--update]"}
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
description=$here/abi/libwarppool_c.abi
header_dir=$(realpath "$here/../../capi/include")
command -v abidw >/dev/null || { echo "abidw is missing (Debian package abigail-tools)" >&2; exit 1; }

# Only what the public header declares: what is behind a handle may change.
describe() {
  abidw --suppressions "$here/abi/private.suppr" --headers-dir "$header_dir" --drop-private-types --drop-undefined-syms \
    --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-architecture --type-id-style hash \
    --out-file "$1" "$library"
  # Of the paths of this machine only the names of the files.
  sed -i "s|<abi-instr\\(.*\\) path='[^']*/|<abi-instr\\1 path='|" "$1"
}

if [ "${2-}" = --update ]; then
  mkdir -p "$(dirname "$description")"
  describe "$description"
  echo "written: $description ($(wc -c <"$description") bytes)"
  exit 0
fi

found=$(mktemp)
trap 'rm -f "$found"' EXIT
describe "$found"
if ! grep -q '<typedef-decl' "$found"; then
  echo "FAILED: $library has no debugging information (-g)" >&2
  exit 1
fi
functions=$(grep -c '<function-decl.*elf-symbol-id' "$found" || true)
symbols=$(nm -D --defined-only "$library" | wc -l)
if [ "$functions" -ne "$symbols" ]; then
  echo "FAILED: $symbols functions are exported, but only $functions are described" >&2
  exit 1
fi
if ! abidiff "$description" "$found"; then
  echo "FAILED: the ABI of the C library has changed. If that is wanted: tests/packaging/abi.sh $library --update" >&2
  exit 1
fi
echo "the ABI is what $(basename "$description") says: $functions functions"
