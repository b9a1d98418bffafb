#!/usr/bin/env bash
# utils/check-names on a small made-up tree, and on this one: what the pages name is there.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
number=0 status=0

# check WANT TEXT: README.md of this text gives that complaint, or none
check() {
    local want=$1 said
    printf '%s\n' "$2" >"$tree/README.md"
    said=$("$root/utils/check-names" "$tree" 2>&1)
    number=$((number + 1))
    if [ "$said" = "${want:+README.md:1: $want}" ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        echo "# it said: $said"
        status=1
    fi
}

mkdir -p "$tree/src/ds" "$tree/tests/unit/ds"
echo 'struct a { int b; }; void run(struct a *a);' >"$tree/src/ds/a.h"
echo 'void helper(void);' >"$tree/tests/unit/ds/test_a.c"
printf 'all: b\nb c:\n.PHONY: lint-a\nlint-a:\n' >"$tree/Makefile"
touch "$tree/CONTRIBUTING.md"
check '' 'a file: `ds/a.h`, src/ds/a.h, `tests/unit/ds/test_*.c`, `unit/ds/`'
check 'ds/b.h: no such file' 'a file: `ds/b.h`'
check 'src/b/: no such file' 'a folder: (src/b/)'
check '' 'a function: run(), `helper()`'
check 'walk(): no such function' 'a function: walk()'
check '' '`struct a`'
check 'b: no such struct' '`struct b`'
check '' '`make c FILES=x`, `make lint-a`'
check 'run: no such target' '`make run`'
check '' 'elsewhere: /etc/redis/redis.conf, https://example.org/a/b.c, build/corsac, `<name>/x.c`'
number=$((number + 1))
if said=$("$root/utils/check-names" 2>&1); then
    echo "ok $number - README.md and CONTRIBUTING.md"
else
    echo "not ok $number - README.md and CONTRIBUTING.md"
    sed 's/^/# /' <<<"$said"
    status=1
fi
echo "1..$number"
exit $status
