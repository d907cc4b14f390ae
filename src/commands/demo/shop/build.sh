#!/bin/sh
# Builds dist/shop, one file that needs nothing but a POSIX shell.
#
# rel runs this once for each candidate, in a clean checkout of its commit, and
# records the digest of what it makes; every environment gets those very bytes.
# So nothing goes in that would differ tomorrow: no date, no host, no user.
set -eu

version=${REL_VERSION:-0.0.0-dev}

# The order that * stands for depends on the locale.
LC_ALL=C
export LC_ALL

mkdir -p dist
{
    echo '#!/bin/sh'
    echo "# shop $version, built from ${REL_COMMIT:-a working tree}"
    echo "version=$version"
    cat lib/*.sh shop.sh
} >dist/shop
chmod +x dist/shop

echo "dist/shop $version, $(wc -l <dist/shop | tr -d ' ') lines"
