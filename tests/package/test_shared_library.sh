# The shared library exports what its headers declare and nothing else, and
# needs nothing but libc.
. "$(dirname "$0")/package.sh"
need nm readelf

take_library shared
library=$(find moved -name libfcgi-client.so)

nm -D --defined-only "$library" | sed 's/.* //' | sort >exported
cat "$root"/include/fcgi_client/*.h | tr '\n' ' ' |
    grep -oE 'FCGI_API [^(;]*\(' | grep -oE 'fcgi_[a-z0-9_]+\($' |
    tr -d '(' | sort >declared
[ -s declared ]
diff declared exported || fail "exported and declared functions differ"

# Private names begin with fcgi__: any other is forgotten in a header.
nm "$library" | sed -n 's/.* [tT] \(fcgi_[a-z][a-z0-9_]*\)$/\1/p' | sort >defined
diff exported defined || fail "exported and defined functions differ"

readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >needed
grep -vE '^(libc|libpthread|ld-.*|libc\.musl-.*)\.so' needed &&
    fail "the library needs more than libc"

readelf -d "$library" | grep -q 'SONAME.*\[libfcgi-client\.so\.[0-9]*\]' ||
    fail "the library's own name bears no version"
