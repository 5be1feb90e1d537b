#!/usr/bin/env bash
# Installs the Debian packages that are missing: what building the library needs, and with --dev what its tests,
# examples, sanitizers and linters need too. Does nothing where all are there; without root it prints the command.
set -euo pipefail

packages=(g++ cmake ninja-build pkg-config ca-certificates libcurl4-openssl-dev libprotobuf-dev protobuf-compiler
          rapidjson-dev libfmt-dev libssl-dev)
case "${1-}" in
  "") ;;
  --examples) packages+=(libcpp-httplib-dev) ;;
  --compile-only) packages+=(python3 python3-venv libcpp-httplib-dev) ;;  # tests/platforms/compile_only.sh
  --dev) packages+=(libcpp-httplib-dev catch2 libbenchmark-dev nghttp2-proxy openssl python3 git clang clang-format
                    clang-tidy libclang-rt-dev prometheus abigail-tools debootstrap dpkg-dev file
                    doxygen valgrind) ;;
  *) echo "usage: $0 [--examples|--compile-only|--dev]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command=(apt-get install --yes --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -ne 0 ]; then
  echo "Packages are missing. As root:" >&2
  echo "  apt-get update && ${command[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Packages that bring a daemon (nghttp2-proxy, prometheus) must not start it: only their programs are wanted.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get update --quiet --quiet
"${command[@]}" >/dev/null
