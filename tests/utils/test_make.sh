#!/usr/bin/env bash
# Targets of the Makefile that take names, with tools that only say what they were given.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES T FILES # of the make that runs this test
cd "$root" || exit 1
number=0 status=0

# check WHAT WANTED_STATUS WANTED_OUTPUT ARGUMENT...: of make with these arguments
check() {
    local what=$1 want=$2 text=$3 got=0 said
    shift 3
    said=$(make --no-print-directory "$@" CLANG_FORMAT=echo CLANG_TIDY=true 2>&1) || got=$?
    number=$((number + 1))
    if { [ $got = 0 ] || [ "$want" != 0 ]; } && { [ $got != 0 ] || [ "$want" = 0 ]; } &&
        [ "$(grep -v '^make: ' <<<"$said")" = "$text" ]; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        printf '%s\n' "exit status $got:" "$said" | sed 's/^/# /'
        status=1
    fi
}

check 'format touches C only' 0 'Left as it is (not C): README.md Makefile
-i src/base/err.c src/base/err.h' \
    format FILES='README.md src/base/err.c src/base/err.h Makefile'
check 'format without any C' 0 'Left as it is (not C): README.md' format FILES=README.md
check 'lint-format looks at C only' 0 '--dry-run -Werror src/base/err.c' \
    lint-format FILES='src/base/err.c README.md'
check 'a test that does not exist' 1 "No test matches 'nosuch'." check T=nosuch
number=$((number + 1))
if make -s compile_commands.json && /usr/bin/python3 -c '
import json, os
rows = json.load(open("compile_commands.json"))
assert len(rows) > 100 and all(os.path.exists(row["file"]) and row["command"] for row in rows)'; then
    echo "ok $number - compile_commands.json"
else
    echo "not ok $number - compile_commands.json"
    status=1
fi
echo "1..$number"
exit $status
