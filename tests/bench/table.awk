# The table, and the same as JSON, from what was measured:
#
#     awk -v json=FILE -f table.awk goals counts times
#
# A ratio is told in the sense of its goal: ours to the limit in time where that
# is a most, of the limit's speed where it is a least.

FILENAME ~ /goals$/ {
    if ($1 ~ /^#/ || NF == 0)
        next
    order[++rows] = $1
    goal[$1] = $2
    most[$1, "instructions"] = $3
    most[$1, "allocations"] = $4
    most[$1, "calls"] = $5
    title[$1] = $0
    sub(/^([^ ]+ +)+ /, "", title[$1])
}

FILENAME ~ /counts$/ {
    count[$1, "instructions"] = $2
    count[$1, "allocations"] = $3
    count[$1, "calls"] = $4
}

FILENAME ~ /times$/ {
    measured[$1] = 1
    ours[$1] = $2
    limit[$1] = $3
    ratio[$1] = $4
    low[$1] = $5
    high[$1] = $6
}

function number(text) {
    gsub(/[^0-9.]/, "", text)
    return text + 0
}

# Speed in place of time.
function turn(name, kept) {
    kept = low[name]
    ratio[name] = 1 / ratio[name]
    low[name] = 1 / high[name]
    high[name] = 1 / kept
}

function keeps_time(name) {
    if (goal[name] == "-")
        return 1
    if (goal[name] ~ /^>=/)
        return ratio[name] >= number(goal[name])
    return (goal[name] ~ /x$/ ? ratio[name] : ours[name]) <= number(goal[name])
}

function keeps(name, what) {
    if (most[name, what] == "-" || !((name, what) in count) ||
        count[name, what] == "-")
        return 1
    if (what == "calls")
        return count[name, what] == most[name, what]
    return count[name, what] + 0 <= most[name, what] + 0
}

function is_met(name) {
    return keeps_time(name) && keeps(name, "instructions") &&
        keeps(name, "allocations") && keeps(name, "calls")
}

function verdict(name, met, missed, none) {
    if (all_goals(name) == "-")
        return none
    return is_met(name) ? met : missed
}

function all_goals(name, text) {
    text = goal[name] == "-" ? "" : goal[name] " "
    if (most[name, "instructions"] != "-")
        text = text "<=" most[name, "instructions"] "i "
    if (most[name, "allocations"] != "-")
        text = text "<=" most[name, "allocations"] "a "
    if (most[name, "calls"] != "-")
        text = text "=" most[name, "calls"] "s "
    sub(/ $/, "", text)
    return text == "" ? "-" : text
}

# Nanoseconds in the unit that reads best, or bytes.
function amount(name, ns) {
    if (ns == "" || ns == "-")
        return "-"
    if (goal[name] ~ /B$/)
        return sprintf("%d B", ns)
    if (ns < 10000)
        return sprintf("%.1f ns", ns)
    if (ns < 10000000)
        return sprintf("%.1f us", ns / 1000)
    return sprintf("%.1f ms", ns / 1000000)
}

function counted(name, what) {
    return (name, what) in count ? count[name, what] : "-"
}

function compared(name) {
    if (ratio[name] == "-")
        return "-"
    return sprintf("%.3f (%.3f-%.3f)", ratio[name], low[name], high[name])
}

function json_number(value) {
    return value ~ /^-?[0-9]/ ? value : "null"
}

function write_json(name, last) {
    printf "  {\"name\": \"%s\", \"ours\": %s, \"limit\": %s, \"ratio\": %s, ",
        name, json_number(ours[name]), json_number(limit[name]),
        json_number(ratio[name]) > json
    printf "\"instructions\": %s, \"allocations\": %s, \"syscalls\": %s, ",
        json_number(counted(name, "instructions")),
        json_number(counted(name, "allocations")),
        json_number(counted(name, "calls")) > json
    printf "\"goal\": \"%s\", \"met\": %s}%s\n", all_goals(name),
        verdict(name, "true", "false", "null"), last ? "" : "," > json
}

END {
    line = "%-41s %10s %10s %22s %9s %6s %6s  %-28s %s\n"
    printf line, "operation", "ours", "limit", "ratio (quartiles)", "instr.",
        "alloc.", "calls", "goal", ""
    for (i = 1; i <= rows; i++) {
        name = order[i]
        if (!measured[name])
            continue
        if (goal[name] ~ /^>=/)
            turn(name)
        shown[++done] = name
        missed += !is_met(name)
        printf line, title[name], amount(name, ours[name]), amount(name, limit[name]),
            compared(name), counted(name, "instructions"),
            counted(name, "allocations"), counted(name, "calls"),
            all_goals(name), verdict(name, "met", "MISSED", "")
    }
    print "\ngoals: x of the limit\047s time (<=) or speed (>=), i" \
        " instructions, a allocations, s system calls"
    printf "%d rows, %d missed\n", done, missed
    if (json != "") {
        print "[" > json
        for (i = 1; i <= done; i++)
            write_json(shown[i], i == done)
        print "]" > json
    }
}
