#!/bin/sh
# Makes a candidate live on one server: ./deploy.sh SERVER
#
# A server is a folder here; yours is a host, and cp is scp or rsync.
#
#   SERVER/releases/v1.2.0-rc.1/    each release in a folder of its own
#   SERVER/current                  a symlink to the one that is live
#
# rel runs this for deployments and for rollbacks alike, and tells it
#
#   REL_TAG              the candidate: v1.2.0-rc.1
#   REL_ARTIFACTS_DIR    what its build made, checked against the digests
set -eu

server=$1
release=$server/releases/$REL_TAG

# A folder is filled under another name first, so that one that carries the
# name of a release is never half of it. Rolling back finds it there already.
if [ ! -d "$release" ]; then
    filling=$server/releases/.filling
    rm -rf "$filling"
    mkdir -p "$filling"
    cp "$REL_ARTIFACTS_DIR/shop" "$filling/shop"
    chmod +x "$filling/shop"
    mv "$filling" "$release"
fi

# The switch is one rename, so that at every moment something is live. Where
# current leads to a folder, a plain mv would move into that folder: GNU and
# BusyBox spell "replace the link" -T, BSD and macOS -h. Elsewhere there is a
# short gap between rm and mv.
next=$server/next
rm -f "$next"
ln -s "releases/$REL_TAG" "$next"
mv -f -T "$next" "$server/current" 2>/dev/null ||
    mv -f -h "$next" "$server/current" 2>/dev/null ||
    { rm -f "$server/current" && mv "$next" "$server/current"; }

echo "current -> releases/$REL_TAG"
