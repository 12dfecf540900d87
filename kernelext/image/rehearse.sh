#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Dockerfile's steps without Docker: in a Debian tree made with debootstrap, and then what a user does, without a
# network. It needs root, debootstrap, unshare, and Go on PATH; 6 GB of disk and some minutes.
#
#   kernelext/image/rehearse.sh DIR          everything, in the new directory DIR
#   kernelext/image/rehearse.sh DIR tree     only the Debian tree, with Go and the part of setup.sh for root
#   kernelext/image/rehearse.sh DIR build    then the part for the user
#   kernelext/image/rehearse.sh DIR try      then the size, a notebook, JupyterLab, and two other users
#
# Behind a proxy with a certificate of its own, SSL_CERT_FILE names the certificates to trust.
set -euo pipefail

tree=$(realpath -m "${1:?usage: rehearse.sh DIR [tree|build|try]}")
module=$(cd "$(dirname "$0")/../.." && pwd)
release=trixie
PATH=$PATH:/usr/sbin

# what the Dockerfile sets with ENV: the first block for the build, both when it runs
variables() { # which block
    awk -v block="$1" '/^ENV/ {n++} n==block && (/^ENV/ || more) {
        more = /\\$/; sub(/^ENV */, ""); sub(/ *\\$/, ""); sub(/^ */, ""); print }' "$module/Dockerfile"
}

# inside the tree: user or user:group, command...
inside() {
    local as=$1
    shift
    local certificates=()
    if [ -e "$tree/etc/ssl/rehearse.crt" ]; then
        certificates=(SSL_CERT_FILE=/etc/ssl/rehearse.crt PIP_CERT=/etc/ssl/rehearse.crt)
    fi
    chroot --userspec="$as" "$tree" /usr/bin/env -i LANG=C.UTF-8 "${certificates[@]}" ${proxies[@]+"${proxies[@]}"} "${settings[@]}" "$@"
}
proxies=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    if [ -n "${!name-}" ]; then proxies+=("$name=${!name}"); fi
done
settings=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

attach() {
    mount -t proc proc "$tree/proc"
    mount --bind /dev "$tree/dev"
    trap 'umount "$tree/dev" "$tree/proc"' EXIT
}

step() { printf '\n== %s (after %d s)\n' "$1" "$SECONDS"; }

make_tree() {
    step "debootstrap of $release"
    if [ -e "$tree" ]; then
        echo "$tree is there already: name a new directory" >&2
        exit 1
    fi
    debootstrap --variant=minbase "$release" "$tree" >"$tree.log" 2>&1 || { tail "$tree.log" >&2; exit 1; }
    # As in the slim images, no manuals.
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale >"$tree/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$tree"/usr/share/{doc,man,info,locale}/* "$tree"/var/cache/apt/archives/*.deb
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    if [ -n "${SSL_CERT_FILE-}" ]; then cp -L "$SSL_CERT_FILE" "$tree/etc/ssl/rehearse.crt" 2>/dev/null || install -D "$SSL_CERT_FILE" "$tree/etc/ssl/rehearse.crt"; fi

    step "Go, and setup.sh system"
    cp -a "$(go env GOROOT)" "$tree/usr/local/go"
    rm -rf "$tree"/usr/local/go/{api,doc,misc,test}
    mkdir -p "$tree/opt/image"
    cp -a "$module/kernelext/image/." "$tree/opt/image/"
    attach
    inside 0:0 /opt/image/setup.sh system
}

build() {
    step "setup.sh user"
    mapfile -t settings < <(variables 1)
    mkdir -p "$tree/home/lateral/lateral"
    # The context: what git has, without what .dockerignore names.
    (cd "$module" && git ls-files -z | grep -zvE '^(\.ci/|\.devcontainer/|\.dockerignore|Dockerfile|notebooks/gallery/)' | tar -c --null -T -) |
        tar -x -C "$tree/home/lateral/lateral"
    chown -R 1000:0 "$tree/home/lateral/lateral"
    attach
    inside 1000:0 /home/lateral/lateral/kernelext/image/setup.sh user
}

# offline runs a command inside, with a network that has nothing but itself
offline() { unshare -n bash -c 'ip link set lo up 2>/dev/null; "$@"' offline "$@"; }

try() {
    mapfile -t settings < <(variables 1; variables 2)
    attach
    step "size"
    du -smx "$tree" --exclude="$tree/proc" --exclude="$tree/dev" | awk '{print "the image holds " $1 " MB"}'
    du -smx "$tree"/usr/local/go "$tree"/opt/jupyter "$tree"/home/lateral/.cache "$tree"/home/lateral/go "$tree"/usr 2>/dev/null | sed "s|$tree||"
    start=(/usr/bin/tini -- /home/lateral/lateral/kernelext/image/start.sh)
    within() { # user, command...
        local as=$1
        shift
        offline chroot --userspec="$as" "$tree" /usr/bin/env -i -C /home/lateral/work LANG=C.UTF-8 TINI_SUBREAPER=1 "${settings[@]}" "${start[@]}" "$@"
    }

    step "a notebook, without a network, as uid 1000"
    within 1000:0 lateral run --profile quick 00_quickstart.ipynb
    within 1000:0 lateral doctor

    step "as another user of group 0, in a folder of its own"
    rm -rf "$tree/home/lateral/work" && install -d -o 4242 -g 4242 "$tree/home/lateral/work"
    within 4242:0 /opt/jupyter/bin/python3 -c "$hello"
    echo "as another user, in a folder of root's:"
    chown 0:0 "$tree/home/lateral/work"
    if within 4242:0 true; then
        echo "start.sh has not noticed that it cannot write" >&2
        exit 1
    fi

    step "JupyterLab: health check, token, kernel"
    chown 4242:4242 "$tree/home/lateral/work"
    within 4242:0 bash -c "$server"
    step "done"
}

# one cell on the installed kernel
hello='
import time, jupyter_client.manager as m
km, kc = m.start_new_kernel(kernel_name="lateral")
for code in ["%%\nfmt.Println(\"first\")", "%%\nfmt.Println(\"second\")", "import \"github.com/lateral-ml/lateral/lib/tensor\"\n%%\nfmt.Println(tensor.New(2, 3).Shape())"]:
    start, said = time.time(), []
    reply = kc.execute_interactive(code, timeout=60, output_hook=lambda m: said.append(m["content"].get("text", "")))
    print(repr("".join(said)), reply["content"]["status"], "after %.1f s" % (time.time() - start))
    assert reply["content"]["status"] == "ok"
kc.stop_channels(); km.shutdown_kernel()'

server='
jupyter lab >/tmp/lab.log 2>&1 &
pid=$!
health="import urllib.request; urllib.request.urlopen(\"http://127.0.0.1:8888/api\", timeout=4)"
for i in $(seq 60); do if python3 -c "$health" 2>/dev/null; then break; fi; sleep 0.5; done
python3 -c "$health" && echo "the health check passes"
token=$(grep -o "token=[0-9a-f]*" /tmp/lab.log | head -1 | cut -d= -f2)
test -n "$token" && echo "it prints an address with a token"
python3 - "$token" <<END
import json, sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8888/api/contents")
    sys.exit("the notebooks are open to everybody")
except urllib.error.HTTPError as e:
    print("without the token:", e.code)
with urllib.request.urlopen("http://127.0.0.1:8888/api/kernelspecs?token=" + sys.argv[1]) as r:
    specs = json.load(r)
print("kernels:", list(specs["kernelspecs"]), "default:", specs["default"])
assert specs["default"] == "lateral"
with urllib.request.urlopen("http://127.0.0.1:8888/api/contents?token=" + sys.argv[1]) as r:
    print("notebooks:", sorted(f["name"] for f in json.load(r)["content"] if f["type"] == "notebook"))
END
result=$?
uid=$(stat -c %u /proc/$pid)
echo "the server runs as uid $uid"
test "$uid" != 0 || result=1
kill $pid; wait $pid || true
exit $result'

case ${2-all} in
tree) make_tree ;;
build) build ;;
try) try ;;
all)
    bash "$0" "$tree" tree
    bash "$0" "$tree" build
    bash "$0" "$tree" try
    ;;
*)
    echo "usage: $0 DIR [tree|build|try]" >&2
    exit 2
    ;;
esac
