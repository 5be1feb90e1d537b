#!/usr/bin/env bash
# namespace_test.sh <nm> <libwarppool.a>: what the public headers do not declare is in warppool::internal (or, generated, in
# warppool::wire), so that no name of the library's own can meet one of the program's or of a later public header's.
set -euo pipefail

nm=$1 archive=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
failed=0

# Types and templates leave no symbols: headers of the core declare nothing that is public.
if grep -rnE --include='*.h' '^namespace warppool \{' "$root/src"; then
  echo "these headers declare names in warppool; internal ones belong into warppool::internal" >&2
  failed=1
fi

# What warppool:: is followed by in the headers' declarations, and in the archive's symbols. Members begin with their class.
declared=$(sed -nE -e 's/^(class|struct|enum class|using) (\[\[nodiscard\]\] )?([A-Za-z]+).*/\3/p' \
  -e 's/^inline constexpr [^=]* ([A-Za-z]+) = .*/\1/p' \
  -e 's/^[A-Za-z][^(=]* ([A-Za-z]+)\(.*/\1/p' "$root"/include/warppool/*.h | sort -u)
defined=$("$nm" -C "$archive" | sed -nE 's/^[0-9a-f]+ [^U] //p' | grep -oE '\bwarppool::([A-Za-z_]+|\(anonymous)' |
  sed 's/^warppool:://' | sort -u | grep -vxE 'internal|wire|operator')
[ "$(wc -l <<<"$declared")" -gt 50 ] && grep -qx Client <<<"$defined" || { echo "the names were not read" >&2; exit 1; }
strange=$(comm -13 <(echo "$declared") <(echo "$defined"))
if [ -n "$strange" ]; then
  echo "$archive has names in warppool that no public header declares:" $strange >&2
  failed=1
fi
exit "$failed"
