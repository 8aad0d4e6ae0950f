#!/usr/bin/env bash
# Install the project from the bundle in which this file lies, without a network: bash install.sh FOLDER
# Every file of the bundle is verified before the first one is installed. PYTHON names another Python 3.11.
set -euo pipefail
export LC_ALL=C
python=${PYTHON:-python3.11}
manifest=MANIFEST.sha256

fail() {
    echo "error: $1" >&2
    exit 1
}

[ $# = 1 ] || fail "name the folder to install to: bash install.sh /software/grover/VERSION"
target=$(realpath -m "$1")
cd "$(dirname "$(realpath "$0")")"
[ -f $manifest ] || fail "$PWD/$manifest is missing, by which the bundle is verified; copy the bundle again"
if [ -e "$target" ] && [ ! -d "$target" ] || [ -n "$(ls -A "$target" 2> /dev/null)" ]; then
    fail "$target is not an empty folder; name another one"
fi

# a line of the manifest is a digest of 64 characters, two blanks, and a path
listed=$(cut -c67- $manifest | sort)
found=$(find . ! -type d ! -path ./$manifest -printf '%P\n' | sort)
missing=$(comm -23 <(echo "$listed") <(echo "$found") | head -n 1)
[ -z "$missing" ] || fail "$PWD/$missing is missing, which $manifest lists; copy the bundle again"
extra=$(comm -13 <(echo "$listed") <(echo "$found") | head -n 1)
[ -z "$extra" ] || fail "$PWD/$extra is not listed in $manifest; remove it, or copy the bundle again"
if ! checked=$(sha256sum --check --strict --quiet $manifest 2> /dev/null); then
    changed=$(sed -n '1s/: FAILED.*//p' <<< "$checked")
    [ -z "$changed" ] || fail "$PWD/$changed has another SHA-256 than $manifest lists; copy the bundle again"
    fail "$PWD/$manifest is damaged; copy the bundle again"
fi

"$python" -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null ||
    fail "$python is not Python 3.11 with its module venv; install the packages of $PWD/debian.txt, or set PYTHON"

trap 'fail "the installation in $target is incomplete; remove it and see the message above"' ERR
mkdir -p "$target"
tar -xf project.tar -C "$target"
for part in files downloads data; do # of the configuration
    if [ -d $part ]; then
        destination=$target/$part
        [ $part = files ] && destination=$target
        mkdir -p "$destination"
        cp -rT --preserve=timestamps $part "$destination"
    fi
done
# of the caller's environment: packages that would count as installed, and options of pip
unset PYTHONPATH PYTHONHOME "${!PIP_@}"
export PIP_CONFIG_FILE=/dev/null # no index and no folder of wheels but the bundle's
"$python" -m venv "$target/.venv"
pip() { "$target/.venv/bin/python" -m pip --disable-pip-version-check --no-cache-dir "$@"; }
pip install --quiet --no-index --find-links wheels -r "$target/envs/lock.txt"
pip install --quiet --no-index --no-deps --no-build-isolation -e "$target"
"$target/.venv/bin/python" -m compileall -q "$target/grover" "$target/workflow" # other users cannot write byte code there
touch "$target/.venv/installed" "$target/.venv/linked"                         # the stamps of the Makefile
chmod -R a+rX,go-w "$target"
sed -n 's/^installed: //p; s/^run: //p' README.txt | sed "s|FOLDER|${target//|/\\|}|g"
