#!/usr/bin/env bash
# tests/run on made-up tests: what it counts, and that nothing survives.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
number=0 status=0

# check WANT TEXT SCRIPT [OPTION...]: a tree with this one test ends with WANT and prints TEXT
check() {
    local want=$1 text=$2 script=$3 tree said last
    shift 3
    tree=$(mktemp -d)
    mkdir -p "$tree/tests/clients"
    printf '%s\n' "$script" >"$tree/tests/clients/test_it.sh"
    said=$("$root/tests/run" --root "$tree" --timeout 1 "$@" release 2>&1)
    last=${said##*$'\n'}
    rm -rf "$tree"
    number=$((number + 1))
    if [ "$last" = "$want" ] && [[ $said == *"$text"* ]]; then
        echo "ok $number - $want: ${script//\#/}"
    else
        echo "not ok $number - $want: ${script//\#/}"
        printf '%s\n' "$said" | sed 's/^/# /'
        status=1
    fi
}

check '1 passed, 0 failed' 'ok    release' 'exit 0'
check '0 passed, 1 failed' 'exit status 3' 'exit 3'
check '0 passed, 1 failed' '| some words' 'echo some words; exit 1'
check '2 passed, 0 failed' 'ok    release' 'echo ok one; echo ok two'
check '1 passed, 1 failed' 'FAIL  release' 'echo ok one; echo not ok two; exit 1'
check '1 passed, 1 failed' 'exit status 9' 'echo ok one; exit 9'
check '1 passed, 1 failed' 'FAIL  release' 'echo ok one; echo not ok two'
check '1 passed, 2 failed' '2 planned tests did not run' 'echo 1..3; echo ok 1 - one; kill -9 $$'
check '1 passed, 0 failed' '1 skipped' 'echo 1..2; echo ok 1 - one; echo not ok 2 \# SKIP two'
check '1 passed, 0 failed' '1 tests' 'echo 1..1; echo ok not a test; echo ok 1 - one'
check '0 passed, 0 failed' '1 skipped' 'exit 77'
check '0 passed, 1 failed' 'killed by SIGSEGV' 'kill -SEGV $$'
check '0 passed, 1 failed' 'timed out' 'sleep 60'
check '1 passed, 1 failed' '(sanitizer report; Direct leak of 9 byte(s) in 1 object(s): buf_grow < main)' \
    'printf "==7==ERROR: LeakSanitizer: leaks\n\nDirect leak of 9 byte(s) in 1 object(s) allocated from:
    #0 0x7f1 in __interceptor_malloc a.c:1\n    #1 0x56 in buf_grow b.c:2\n    #2 0x57 in main c.c:3\n" >../sanitizer/report.7; echo ok one'
check '1 passed, 0 failed' 'test_it' 'exit 0' --match clients/test_it
check "No test matches 'nosuch'." '' 'exit 0' --match nosuch

check '1 passed, 0 failed' 'ok    release' 'echo ok one-$TEST_NAME' --name one
check "No test is named 'one'." '' 'exit 0' --name one

survivors=$(mktemp -d)
check '1 passed, 0 failed' 'ok    release' \
    "sleep 61 & echo \$! >$survivors/child; setsid sleep 62 & echo \$! >$survivors/session"
alive=0
for file in "$survivors"/*; do
    state=$(sed 's/.*) //' "/proc/$(cat "$file")/stat" 2>/dev/null)
    case $state in '' | Z*) ;; *) alive=$((alive + 1)) ;; esac
done
[ "$(ls "$survivors" | wc -l)" = 2 ] || alive=-1
rm -rf "$survivors"
number=$((number + 1))
if [ $alive = 0 ]; then
    echo "ok $number - no process survives its test"
else
    echo "not ok $number - no process survives its test ($alive)"
    status=1
fi

# What a kept test leaves is where the runner says.
tree=$(mktemp -d)
mkdir -p "$tree/tests/clients"
echo 'echo said; echo left >file' >"$tree/tests/clients/test_it.sh"
said=$("$root/tests/run" --root "$tree" --keep release 2>&1)
kept=$(sed -n 's/^ *kept: *\(.*\)\/output,.*/\1/p' <<<"$said")
number=$((number + 1))
if [ "$(cat "$kept/output" "$kept/cwd/file" 2>&1)" = $'said\nleft' ]; then
    echo "ok $number - a test that is kept"
else
    echo "not ok $number - a test that is kept"
    sed 's/^/# /' <<<"$said"
    status=1
fi
rm -rf "$tree" "$kept"
echo "1..$number"
exit $status
