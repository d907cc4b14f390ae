#!/bin/sh
# Says by its exit code whether a server is well: ./verify.sh SERVER
#
# It asks what users would ask, by the way they would come, and makes sure that
# it is the new version that answers.
set -eu

server=$1

if ! answer=$("$server/current/shop" health); then
    echo "health: no answer" >&2
    exit 1
fi
echo "health: $answer"

if [ "$answer" != "ok $REL_VERSION" ]; then
    echo "health: not the answer of $REL_VERSION" >&2
    exit 1
fi
