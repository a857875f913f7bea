# What the commands that build have in common, and those that measure; `root` is
# set.

# The processes in the background, which end with the command.
running=

# die WORD...: the command cannot do what it is asked to.
die() {
    printf '%s: %s\n' "${0#"$root"/}" "$*" >&2
    exit 3
}

# help_if_asked ARGUMENT...: what the comment says that the command begins with.
help_if_asked() {
    [ "$*" = --help ] || return 0
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
}

# need_number WHAT TEXT LEAST MOST: digits alone, which nobody takes for octal.
need_number() {
    case $2 in
    '' | *[!0-9]* | 0?*) ;;
    *) [ ${#2} -gt 18 ] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ] || return 0 ;;
    esac
    die "$1 must be a number from $3 to $4, not '$2'"
}

# Sets `build`, the folder to build in: the one that FCGI_BUILD_DIR names, which
# is kept, else one that goes away at the end.
choose_build_folder() {
    if [ -n "${FCGI_BUILD_DIR:-}" ]; then
        mkdir -p "$FCGI_BUILD_DIR" || exit 3
        build=$(cd "$FCGI_BUILD_DIR" && pwd)
        unneeded=
    else
        build=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-client.XXXXXX") || exit 3
        unneeded=$build
    fi
    trap clean_up EXIT
    trap 'exit 1' HUP INT TERM
}

clean_up() {
    [ -z "$running" ] || kill $running 2>/dev/null
    wait
    [ -z "$unneeded" ] || rm -rf "$unneeded"
}

# build_tests TARGET OPTION...: of CMake's.
build_tests() {
    target=$1
    shift
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Debug \
        -DFCGI_CLIENT_EXAMPLES=OFF "$@" >"$build/build.log" 2>&1 &&
        cmake --build "$build" --parallel 2 --target "$target" \
            >>"$build/build.log" 2>&1 || {
        tail -n 40 "$build/build.log" >&2
        die "it does not build"
    }
}
