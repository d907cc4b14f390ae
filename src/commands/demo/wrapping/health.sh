# health: says which version answers, if it can add up a cart and wrap a gift.

health() {
    total wine cheese >/dev/null || return 1
    wrap wine >/dev/null || return 1
    echo "ok $version"
}
