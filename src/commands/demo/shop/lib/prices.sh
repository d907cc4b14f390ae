# What there is, and what it costs.

price() {
    case $1 in
        bread) echo 3 ;;
        cheese) echo 8 ;;
        wine) echo 12 ;;
        *) echo "shop: there is no $1" >&2; return 1 ;;
    esac
}

list() {
    for item in bread cheese wine; do
        printf '%-8s %3d\n' "$item" "$(price "$item")"
    done
}
