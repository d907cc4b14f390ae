# wrap ITEM...: what a cart costs as a gift, with a ribbon around it.

wrap() {
    total ribbon "$@"
}
