# total ITEM...: what a cart costs.

total() {
    sum=0
    for item in "$@"; do
        cost=$(price "$item") || return 1
        sum=$((sum + cost))
    done
    echo "$sum"
}
