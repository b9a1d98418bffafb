#!/usr/bin/env bash
# utils/check-lines on small made-up files.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
number=0 status=0

# check WANT WHAT LINE...: a file of these lines is allowed, or refused with WANT
check() {
    local want=$1 what=$2 said
    shift 2
    printf '%s\n' "$@" >a.c
    said=$("$root/utils/check-lines" a.c 2>&1)
    number=$((number + 1))
    if [ "$said" = "${want:+a.c:${want/:/: }}" ]; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        echo "# it said: $said"
        status=1
    fi
}

long=$(printf '%0114d' 0)
torn='a trailing comment tears this line apart: put it above'
check '' '120 columns' "/* $long */"
check '2:121 columns, over 120' '121 columns' '' "/* ${long}x */"
check '' 'letters of two bytes are one column' "/* ${long/0000/äöüß} */"
check '' 'a string' "        \"$long $long\","
check '' 'a comment above' 'struct a {' '    /* why */' '    int64_t b;' '};'
check '' 'a comment behind' '    int64_t a; /* what */' '    int64_t b; /* what */'
check "2:$torn" 'a torn field' 'struct a {' '    int64_t' '        b; /* what' '            * it is */'
check "1:$torn" 'a torn pointer' '    const char' '        *b; /* what */'
check "1:$torn" 'a torn list' '    char a[N],' '        b[N]; /* what */' # a list of declarators
check "1:$torn" 'a torn #define' '#define LONG_NAME \' '    (1024 * 1024) /* what */'
check '' 'a #define of two lines' '#define LONG_NAME \' '    (1024 * 1024)'
check '' 'a call of two lines' '    call(a,' '         b); /* what */'
check '' 'a return' '    return' '        b; /* what */'
echo "1..$number"
exit $status
