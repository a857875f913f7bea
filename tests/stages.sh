# What a stage of the tests is: a build and the tests of it, or a program that
# fails where it finds something. tests/run.sh reads this; it has set $root,
# $build, $jobs, $repeat and $only, and prints $report, $passed and $failed.

passed=0
failed=0
report=
foreign=

# Sanitizers want their own places in memory, which some kernels give away
# unless told to place nothing at random.
still=
setarch -R true 2>/dev/null && still="setarch -R"

# wanted NAME: says so, and keeps its log, unless other stages were asked for.
wanted() {
    case "${only:- $1 }" in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
    name=$1
    built=$build/$name
    log=$build/$name.log
    targets=
    build_time=
    began=$(date +%s)
    echo "$name ..."
}

# elapsed: the seconds since $began.
elapsed() {
    echo $(($(date +%s) - began))
}

# summarize TEXT: what became of the stage.
summarize() {
    report="$report$name: $1 ($(elapsed) s$build_time)
"
}

# stage NAME "CMAKE OPTION..." [CTEST OPTION...]
stage() {
    wanted "$1" || return 0
    options=$2
    shift 2
    build_and_test "$@"
}

# again NAME STAGE [CTEST OPTION...]: tests of what a stage has built before, in
# this run or in the same FCGI_BUILD_DIR.
again() {
    wanted "$1" || return 0
    built=$build/$2
    [ -d "$built" ] || die "$1 is of what another stage builds: $2 $1"
    shift 2
    run_tests "$@"
}

# labels NAME "CMAKE OPTION..." LABEL...: only the tests of these labels are
# built and run.
labels() {
    wanted "$1" || return 0
    options=$2
    shift 2
    build_and_test_labels "$@"
}

build_and_test_labels() {
    targets=$(printf ' %s_tests' "$@")
    build_and_test -L "$(any_of "$@")"
}

# programs NAME "CMAKE OPTION..." TEST...: only these are built and run.
programs() {
    wanted "$1" || return 0
    options=$2
    shift 2
    targets=$*
    build_and_test -R "$(any_of "$@")"
}

# any_of WORD...: the expression that matches each of them.
any_of() {
    echo "^($(echo "$*" | tr ' ' '|'))\$"
}

build_and_test() {
    if compile >"$log" 2>&1; then
        build_time=", $(elapsed) s of it to build"
        run_tests "$@"
    else
        grep -vE '^-- |^\[[0-9]+/[0-9]+\]' "$log" | tail -n 40
        failed=$((failed + 1))
        summarize "does not build"
    fi
}

compile() {
    cmake -S "$root" -B "$built" $options &&
        cmake --build "$built" --parallel "$jobs" \
            ${targets:+--target $targets}
}

# Twice as many tests as there are processors, since many wait for a time.
run_tests() {
    $still ctest --test-dir "$built" --parallel "$((2 * jobs))" \
        --output-on-failure --no-label-summary --no-tests=error \
        $repeat $foreign "$@" >"$log" 2>&1 ||
        grep -vE '^ *Start +[0-9]+:| Passed +[0-9.]+ sec$' "$log"
    count_tests
}

# The last lines of ctest: "98% tests passed, 1 tests failed out of 50".
count_tests() {
    set -- $(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of /\1 /p' \
        "$log") 1 1
    bad=$1
    skipped=$(grep -c '(Skipped)$' "$log")
    good=$(($2 - bad - skipped))
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$skipped" = 0 ] && skipped= || skipped=", $skipped skipped"
    left_out=$(count_left_out)
    [ "$left_out" = 0 ] || skipped="$skipped, parts of them left out: $left_out"
    summarize "$good passed, $bad failed$skipped"
}

# What tests have skipped of themselves, which ctest does not know.
count_left_out() {
    awk '/^ [0-9]+ SKIPPED TEST/ { count += $1 } END { print count + 0 }' \
        "$built/Testing/Temporary/LastTest.log"
}

# machine NAME COMPILER EMULATOR LABEL...: the tests of these labels for another
# machine or another libc, with a cmocka for it.
machine() {
    wanted "$1" || return 0
    prefix=$build/cmocka/$name
    options="-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_C_COMPILER=$2
        -DCMAKE_CROSSCOMPILING_EMULATOR=$3
        -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-Werror
        -DCMAKE_FIND_ROOT_PATH=$prefix -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY"
    if ! sh "$root/tests/machines/cmocka.sh" "$prefix" "$2" >"$log" 2>&1; then
        tail -n 20 "$log"
        failed=$((failed + 1))
        summarize "there is no cmocka for it"
        return
    fi
    # qemu crashes where a child of fork() starts a thread, and for i386 under
    # the signals of test_charges, in instructions that read their own stack.
    [ -z "$3" ] || foreign="-E ^test_(fork|charges)\$"
    shift 3
    PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
    export PKG_CONFIG_LIBDIR
    build_and_test_labels "$@"
    foreign=
    unset PKG_CONFIG_LIBDIR
}

# check NAME SCRIPT [ARGUMENT...]: passes if the script succeeds. The lines that
# begin with NAME are its summary. It may build in $FCGI_BUILD_DIR.
check() {
    wanted "$1" || return 0
    shift
    run_script "$@"
}

# check_built NAME STAGE SCRIPT [ARGUMENT...]: the same, but the folder is that
# of a stage which has built most of it.
check_built() {
    wanted "$1" || return 0
    built=$build/$2
    shift 2
    run_script "$@"
}

run_script() {
    if FCGI_BUILD_DIR=$built sh "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 100 "$log"
    fi
    summarize "$(awk -v name="$name" '
        sub("^" name "[: ]*", "") { print (lines++ ? "    " : "") $0 }
        END { if (lines == 0) print "failed" }' "$log")"
}
