# health: says which version answers, if it can add up a cart.

health() {
    total wine cheese >/dev/null || return 1
    echo "ok $version"
}
