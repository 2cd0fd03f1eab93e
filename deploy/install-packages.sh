#!/usr/bin/env bash
# Installs the Debian packages of some sections of packages.txt that are not there yet, and says which.
#
#   deploy/install-packages.sh build [test] [bench] [container]
#
# Works as root or with sudo; does nothing, and asks for nothing, when all are installed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

packages_of() {
  awk -v section="[$1]" '/^\[/ {inside = $0 == section; next} inside && NF && !/^#/ {print $1}' "$here/packages.txt"
}

known=$(awk '/^\[/ {gsub(/[][]/, ""); print}' "$here/packages.txt")
for section in "${@:-}"; do
  if ! grep -qx -- "$section" <<<"$known"; then
    echo "packages: say which sections of packages.txt: ${known//$'\n'/, }${section:+ (not $section)}" >&2
    exit 64
  fi
done
missing=()
for section in "$@"; do
  for package in $(packages_of "$section"); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages: all installed ($*)"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "packages: this is no Debian system; install by hand what corresponds to: ${missing[*]}" >&2
  exit 69
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "packages: to install ${missing[*]}, run this as root or install sudo" >&2
    exit 77
  fi
  as_root=(sudo)
fi
echo "packages: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
