# The demonstration for newcomers shows what it promises, with what they have.
. "$(dirname "$0")/package.sh"
need cmake make
unset CMAKE_GENERATOR

quietly sh "$root/examples/demo.sh"
