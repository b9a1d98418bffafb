#!/usr/bin/env bash
# utils/check-circles on small made-up trees.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cc=${CC:-cc}
number=0 status=0

# check WANT TEXT EXCEPTIONS FILE=SOURCE...: a tree of these files is allowed, or refused with TEXT
check() {
    local want=$1 text=$2 exceptions=$3 got=allowed said file object
    shift 3
    rm -rf "$tree"/*
    for file in "$@"; do
        mkdir -p "$tree/src/${file%%/*}" "$tree/build/src/${file%%/*}"
        printf '%s\n' "${file#*=}" >"$tree/src/${file%%=*}"
    done
    for file in "$tree"/src/*/*.c; do
        object=$tree/build/${file#"$tree/"}
        $cc -w -I"$tree/src" -c -o "${object%.c}.o" "$file"
    done
    said=$(CHECK_CIRCLES_EXCEPTIONS=$exceptions "$root/utils/check-circles" "$tree/build" "$tree" 2>&1) || got=refused
    number=$((number + 1))
    if [ $got = "$want" ] && [[ $said == *"$text"* ]]; then
        echo "ok $number - $want: ${*//$'\n'/ }"
    else
        echo "not ok $number - $want: ${*//$'\n'/ }"
        echo "# it was $got: $said"
        status=1
    fi
}

a='ds/a.c=void b(); void a() { b(); }'
b='ds/b.c=void a(); void b() { a(); }'
check allowed '' '' "$a" 'ds/b.c=void b() {}'
check refused 'ds/a.c calls ds/b.c: b' '' "$a" "$b"
check refused 'in a circle: ds/a.c ds/b.c ds/c.c' '' "$a" 'ds/b.c=void c(); void b() { c(); }' \
    'ds/c.c=void a(); void c() { a(); }'
check allowed '' '' "$a" 'ds/b.c=extern int x; static void own() {} void b() { x = 1; own(); }' 'ds/c.c=int x;'
check allowed '' '' "$a" 'ds/b.c=extern void (*const rows[])(); void b() { rows[0](); }' \
    'ds/c.c=void a(); void (*const rows[])() = {a};'
check refused 'ds/b.c calls ds/a.c: a' '' "$a" 'ds/b.c=void a(); void b(void **p) { *p = a; }'
check allowed '' 'ds/b.c ds/a.c  why' "$a" "$b"
check refused 'breaks no circle any more' 'ds/b.c ds/a.c  why' "$a" 'ds/b.c=void b() {}'
check refused 'breaks no circle any more' 'ds/a.c ds/b.c  why' "$a" 'ds/b.c=void b() {}'
impl='#include "ds/table_impl.h"
'
check allowed '' '' "ds/a.c=$impl${a#*=}" "ds/b.c=$impl${b#*=}" ds/table_impl.h=
check refused 'in a circle: ds/c.c ds/table_impl.h' '' "ds/a.c=$impl${a#*=}" \
    "ds/b.c=${impl}void c(); void b() { c(); }" 'ds/c.c=void a(); void c() { a(); }' ds/table_impl.h=
check refused 'in a circle: ds/a.c ds/b.c' '' "ds/a.c=${impl//table/other}${a#*=}" \
    "ds/b.c=${impl//table/other}${b#*=}" ds/other_impl.h=
echo "1..$number"
exit $status
