#!/usr/bin/env bash
# Builds the container image without a Docker engine, and runs the demo with the image's own binary and libraries.
#
#   deploy/build-image.sh [WORK_DIRECTORY]        (default: build/image; needs root, buildah and debootstrap)
#
# The base image is made with debootstrap; buildah runs the Dockerfile with chroot isolation.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
work=${1:-$root/build/image}
mkdir -p "$work"
deploy/install-packages.sh container

export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
store=(--root "$work/store" --runroot "$work/run")
base=localhost/tidemark-base
image=localhost/tidemark

if ! buildah "${store[@]}" inspect --type image "$base" >/dev/null 2>&1; then
  echo "image: base from debootstrap (Debian 13)"
  rm -rf "$work/base"
  debootstrap --variant=minbase trixie "$work/base" >"$work/debootstrap.log"
  umount "$work/base/proc" 2>/dev/null || true
  # apt as this machine reaches it
  cp -r /etc/apt/apt.conf.d/. "$work/base/etc/apt/apt.conf.d/"
  container=$(buildah "${store[@]}" from scratch)
  tar -C "$work/base" --one-file-system -c . | buildah "${store[@]}" add --quiet "$container" - / 2>/dev/null ||
    buildah "${store[@]}" copy --quiet "$container" "$work/base" /
  buildah "${store[@]}" commit --quiet --rm "$container" "$base"
  rm -rf --one-file-system "$work/base"
fi

echo "image: building $image"
buildah "${store[@]}" build --pull=never --build-arg BASE="$base" -f deploy/Dockerfile -t "$image" .

echo "image: the demo, from the image"
container=$(buildah "${store[@]}" from --pull=never "$image")
trap 'buildah "${store[@]}" rm "$container" >/dev/null' EXIT
buildah "${store[@]}" run "$container" -- /usr/bin/tidemark demo --for 10s
buildah "${store[@]}" images
