# What repeats exactly stays within its goal: instructions, allocations and
# system calls of an operation, bytes of code and of memory. The goals stand in
# tests/bench/goals; times are never tests.
. "$(dirname "$0")/package.sh"
need cmake valgrind strace
strace -o /dev/null true || missing "leave to trace a process"
[ "$(uname -m)" = x86_64 ] || missing "x86-64, which instructions are told for"

# Goals that are not reached: what is held until they are. A line that is no
# longer needed goes.
cat >held <<END
small-unix     instructions 4550
small-tcp      instructions 4550
small-encoded  instructions 4420
encode-18      instructions 910
decode-18      instructions 570
header-encode  instructions 18
header-decode  instructions 19
text           bytes        68300
END

bench=$root/tests/bench
quietly sh "$bench/build.sh" build bench
sh "$bench/counts.sh" build/bin/bench . small-unix small-tcp small-encoded \
    pool encode-18 decode-18 header-encode header-decode head-8 >counts
build/bin/bench time idle-connection call-in-flight stack >times
echo "text $(sh "$bench/text.sh" build/libfcgi-client.a)" >>times

# Each measure as a line: NAME WHAT NUMBER.
awk '{ print $1, "instructions", $2; print $1, "allocations", $3
    print $1, "calls", $4 }' counts >measures
awk '{ printf "%s bytes %d\n", $1, $2 }' times >>measures

# Each goal likewise.
awk '/^[^#]/ { print $1, "instructions", $3; print $1, "allocations", $4
    print $1, "calls", $5 }
    $2 ~ /B$/ { gsub(/[^0-9]/, "", $2); print $1, "bytes", $2 }' \
    "$bench/goals" | grep -v -e '-$' >goals

awk '
    FILENAME == "goals" { goal[$1, $2] = $3; next }
    FILENAME == "held" { held[$1, $2] = $3; next }
    !(($1, $2) in goal) { next }
    {
        bar = ($1, $2) in held ? held[$1, $2] : goal[$1, $2]
        # A background thread may make one now and then.
        is_good = $3 ~ /^[0-9]/ && $3 - ($2 == "calls") * 0.05 <= bar
        failed += !is_good
        note = is_good ? "" : "FAILED"
        if (!is_good || $3 > goal[$1, $2])
            note = note " missed: the goal is " goal[$1, $2]
        else if (($1, $2) in held)
            note = " the goal is reached: hold it no longer"
        printf "%-16s %-13s %8s  at most %6s %s\n", $1, $2, $3, bar, note
    }
    END { exit failed > 0 }' goals held measures || fail "not within its bar"
