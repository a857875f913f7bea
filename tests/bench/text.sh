# The bytes of code in a library: sh text.sh LIBRARY
size -A "$1" | awk '$1 ~ /^\.text/ { sum += $2 } END { print sum + 0 }'
