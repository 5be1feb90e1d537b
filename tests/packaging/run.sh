#!/usr/bin/env bash
# Takes the library in, in every way that the guide promises (building.md). Writes to a temporary folder and to BUILD only
# (the way "deb" keeps a chroot in build/platforms, too).
#
#   run.sh [BUILD] [--all | WAY...]
#
# BUILD, a path with a slash in it, is a build of this source tree with a static C library, and is brought up to date; by
# default, or if it is not there, a new one in the temporary folder. Without a WAY those run that cost little; --all runs
# all of them (see below). Several share one build of the library as a subproject. CC and CXX count; ccache is used where
# there is one.
set -uo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/common.sh"
. "$here/ways/installed.sh"
. "$here/ways/vendored.sh"
. "$here/ways/packages.sh"

cheap=(cmake-c cmake-cpp pkg-config pkg-config-cpp hidden abi vendored shared unity no-exceptions exports twice)
costly=(destdir installed-then-vendored fetchcontent makefiles multi-config lto examples deb)

build_dir=""
ways=()
for argument in "$@"; do
  case $argument in
    --all) ways+=("${cheap[@]}" "${costly[@]}") ;;
    */* | .) build_dir=$(realpath -m "$argument") ;;
    *) ways+=("$argument") ;;
  esac
done
[ ${#ways[@]} -gt 0 ] || ways=("${cheap[@]}")
for way in "${ways[@]}"; do
  declare -F "way_$way" >/dev/null || { echo "unknown way: $way (${cheap[*]} ${costly[*]})" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Neither stands in a condition: there bash would go on after a command that fails.
prepare_build
[ $? -eq 0 ] || exit 1

failed=()
for way in "${ways[@]}"; do
  echo "== $way"
  start=$SECONDS
  # A shell of its own, so that the first command that fails ends the way.
  ( set -e; "way_$way" )
  if [ $? -eq 0 ]; then
    echo "$way: ok ($((SECONDS - start)) s)"
  else
    echo "$way: FAILED"
    failed+=("$way")
  fi
done
echo "packaging: $((${#ways[@]} - ${#failed[@]})) of ${#ways[@]} ways ok"
[ ${#failed[@]} -eq 0 ]
