#!/usr/bin/env bash
# Build an OCI image: the Debian packages of debian.txt, and the project as a bundle installs it (make image).
# Needs root, buildah, and debootstrap where BASE is debian. The image gets nothing from this machine's configuration of apt and pip.
# Usage: image.sh BUNDLE OUTPUT [BASE]; DRY=1 prints the commands and runs none.
set -euo pipefail
bundle=$1 output=$2 base=${3:-debian}
suite=bookworm
image=grover:$(basename "$output" .oci.tar | sed 's/^grover-//')
packages=$(sed 's/ *#.*//; /^$/d' "$(dirname "$0")/debian.txt")

run() { if [ -n "${DRY:-}" ]; then echo "$*"; else "$@"; fi; }
# the value of a command, or in a dry run a name that stands for it
value() { if [ -n "${DRY:-}" ]; then echo "$*" >&2 && echo "${1^^}"; else "$@"; fi; }
# a command in the container; chroot isolation needs no daemon and no namespace for users
inside() { run buildah run --isolation chroot "${options[@]}" "$container" -- "$@"; }
options=()
trap '[ -n "${DRY:-}" ] || buildah rm "$container" > /dev/null' ERR

if [ "$base" = debian ]; then
    container=$(value buildah from scratch)
    root=$(value buildah mount "$container")
    # MIRROR: another one than that of debootstrap
    run debootstrap --variant=minbase $suite "$root" ${MIRROR:-}
    # packages and updates come from the sources of this machine, if it has the same release; the image keeps nothing of its settings
    if grep -q "^VERSION_CODENAME=$suite" /etc/os-release; then
        options=(--volume /etc/apt:/mnt/apt:ro --env APT_CONFIG=/tmp/apt.conf)
        run bash -c 'echo "Dir::Etc \"/mnt/apt/\";" > "$0/tmp/apt.conf"' "$root"
    fi
else # such as python:3.11-slim-bookworm, which brings its Python
    container=$(value buildah from "docker.io/library/$base")
    root=$(value buildah mount "$container")
    packages=$(echo "$packages" | grep -v '^python3')
fi
inside apt-get update -qq
inside apt-get upgrade -qq -y
inside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages

options=(--volume "$(realpath -m "$bundle"):/bundle:ro")
inside bash /bundle/install.sh /opt/grover
options=()
# HOME is the folder that is mounted: all caches lie below it, in an image that nobody writes to
inside useradd --home-dir /work --no-create-home --shell /bin/bash grover
inside mkdir -m 1777 /work
python=/opt/grover/.venv/bin/python
lists=("${output%.oci.tar}.debian.txt" "${output%.oci.tar}.python.txt")
[ -z "${DRY:-}" ] || lists=(/dev/stdout /dev/stdout)
inside dpkg-query --show > "${lists[0]}"
inside $python -m pip --disable-pip-version-check list --format freeze > "${lists[1]}"
# what building leaves, the name and the resolver of this machine among it
run find "$root/var/lib/apt/lists" "$root/var/cache" "$root/var/log" -xdev -type f -delete
run find "$root/tmp" "$root/root" "$root/mnt" "$root/bundle" -xdev -mindepth 1 -delete
run rmdir "$root/bundle"
run rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
run touch "$root/etc/resolv.conf" "$root/etc/hostname" # mount points, where the root is read-only
run buildah config --user grover --workingdir /work --env HOME=/work --env LC_ALL=C.UTF-8 --env PYTHONNOUSERSITE=1 \
    --env PATH=/opt/grover/.venv/bin:/usr/local/bin:/usr/bin:/bin --cmd bash --label org.opencontainers.image.title=grover "$container"
run buildah umount "$container"
run buildah commit --rm --disable-compression=false "$container" "oci-archive:$output:$image"
run ls -sh "$output"
