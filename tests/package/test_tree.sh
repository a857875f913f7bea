# The top of the tree holds what its owner decided, and nothing else.
. "$(dirname "$0")/package.sh"

# What git would commit; all but build folders where this is no checkout.
visible() {
    git -C "$root" ls-files --cached --others --exclude-standard 2>/dev/null ||
        (cd "$root" && ls -d [!.]* | grep -v '^build')
}

visible | grep -v '^\.' | cut -d / -f 1 | LC_ALL=C sort -u >found
printf '%s\n' CMakeLists.txt LICENSE README.md examples include src tests |
    LC_ALL=C sort >wanted
diff wanted found
