# total ITEM...: what a cart costs, the coupon of this week taken off.

coupon=5

total() {
    sum=0
    for item in "$@"; do
        cost=$(price "$item") || return 1
        sum=$((sum + cost))
    done
    echo "$((sum - coupon))"
}
