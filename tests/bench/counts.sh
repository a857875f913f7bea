# Count what repeats exactly: instructions in user space, allocations and system
# calls of one operation, the application's apart.
#
#     sh counts.sh BENCH FOLDER NAME...
#
# prints `NAME instructions allocations calls` for each. BENCH is the program,
# FOLDER where files may be left. What cannot be had is "-".
set -u

bench=$1
folder=$2
shift 2

# count_instructions NAME N
count_instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$bench" count "$1" $warm "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# instructions NAME N: the difference of N times and of twice as many.
instructions() {
    once=$(count_instructions "$1" "$2")
    twice=$(count_instructions "$1" $((2 * $2)))
    each "$once" "$twice" "$2"
}

# allocations NAME N
allocations() {
    each 0 "$("$bench" count "$1" $warm "$2")" "$2"
}

# calls NAME N: those of all threads between two calls of getppid(). strace lets
# go of the application as that starts.
calls() {
    strace -f -b execve -o "$folder/calls" "$bench" count "$1" $warm "$2" \
        >/dev/null 2>&1 &&
        each 0 "$(awk '/ getppid\(/ { marks++; next }
            / resumed>|[-+][-+][-+] / { next }
            marks == 1 { calls++ }
            END { print calls + 0 }' "$folder/calls")" "$2"
}

# each FROM TO N: what each of N takes; "-" where that is not known.
each() {
    case $1,$2 in
    *[0-9],*[0-9]) awk "BEGIN { printf \"%.6g\n\", ($2 - $1) / $3 }" ;;
    *) echo - ;;
    esac
}

for name; do
    case $name in
    body-* | upload-*) n=2 warm=2 ;;
    *) n=200 warm=100 ;;
    esac
    echo "$name $(instructions "$name" $n)" \
        "$(allocations "$name" $n) $(calls "$name" $n)"
done
