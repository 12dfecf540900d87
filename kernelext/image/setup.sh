#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The steps of the Dockerfile, in two parts:
#
#   setup.sh system    as root: Debian packages, the user lateral (uid 1000), JupyterLab in /opt/jupyter
#   setup.sh user      as lateral, with Go on PATH and this module in ~/lateral: the lateral command, the kernel, and
#                      everything that a cell compiles
#
# What is written at run time belongs to group 0 and is writable by it, so that the image also runs as any other user
# of that group: docker run --user "$(id -u):0".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

system() {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv tini
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

    useradd --uid 1000 --gid 0 --create-home --home-dir /home/lateral --shell /bin/bash lateral
    install -d -o lateral -g root -m 0775 /home/lateral /home/lateral/work

    python3 -m venv /opt/jupyter
    /opt/jupyter/bin/pip install --no-cache-dir --no-deps --disable-pip-version-check -r "$here/requirements.txt"
    install -D -m 0644 "$here/jupyter_server_config.json" /opt/jupyter/etc/jupyter/jupyter_server_config.json
    install -D -m 0644 "$here/overrides.json" /opt/jupyter/share/jupyter/lab/settings/overrides.json
}

user() {
    module=$HOME/lateral
    cd "$module"
    building=$(mktemp -d)

    # What only the building of these needs is not kept.
    export GOMODCACHE=$building/mod GOCACHE=$building/cache
    go build -o "$HOME/.local/bin/lateral" ./kernelext/cmd/lateral
    lateral kernel install --completion
    unset GOMODCACHE GOCACHE

    # Compile the library and all that cells import, and run one notebook as a student will.
    go build ./lib/... ./kernelext
    LATERAL_MEMO=$building/memo lateral run --profile quick --html=false --out "$building/out" notebooks/00_quickstart.ipynb

    # The script of the interactive views, which the image's notebooks then bring without a network.
    (cd "$HOME" && lateral data get echarts)

    # Go does not need the archives that it has unpacked.
    find "$(go env GOMODCACHE)/cache/download" -name '*.zip' -delete
    # Once a day Go deletes from its build cache what was last used more than five days ago. In an image that old it
    # would be nearly all, after the first cell; dates in the future keep it.
    find "$(go env GOCACHE)" -type f -exec touch -d 2038-01-01 {} +

    chmod -R u+w "$building"
    rm -rf "$building"
    chmod -R g=u "$HOME/.cache" "$HOME/.config" "$HOME/.local"
}

case ${1-} in
system) system ;;
user) user ;;
*)
    echo "usage: $0 system|user" >&2
    exit 2
    ;;
esac
