# The shop's command line; build.sh puts it behind the parts in lib/.

case ${1-} in
    list | total | wrap | health)
        "$@"
        ;;
    *)
        echo "usage: shop list | total ITEM... | wrap ITEM... | health" >&2
        exit 2
        ;;
esac
