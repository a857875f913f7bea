# The demonstration for newcomers shows what it promises.
. "$(dirname "$0")/package.sh"
need cmake make

quietly sh "$root/examples/demo.sh"
