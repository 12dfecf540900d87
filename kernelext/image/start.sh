#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the image does before its command: see that work can be written, and put the notebooks there.
set -euo pipefail

work=$HOME/work
if [ ! -w "$work" ]; then
    cat >&2 <<END
The folder on the host that is mounted as $work cannot be written by user $(id -u). On the host, give it to that user,

    sudo chown $(id -u) work

or run as yourself, with docker run --user "\$(id -u):0" ...
END
    exit 1
fi
mkdir -p "$work/data" # LATERAL_DATA: what lateral data get downloads
for notebook in "$HOME"/lateral/notebooks/*.ipynb; do
    copy=$work/${notebook##*/}
    [ -e "$copy" ] || cp "$notebook" "$copy"
done
exec "$@"
