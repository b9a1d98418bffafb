#!/usr/bin/env bash
# utils/check-includes on small made-up trees.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
number=0 status=0

# check WANT FILE LINE [TEXT]: a file holding LINE is allowed or refused, the refusal with TEXT
check() {
    local want=$1 file=$2 line=$3 text=${4:-$2:1:} got=allowed said
    rm -rf "$tree/src"
    mkdir -p "$tree/$(dirname "$file")"
    printf '%s\n' "$line" >"$tree/$file"
    said=$("$root/utils/check-includes" "$tree" 2>&1) || got=refused
    number=$((number + 1))
    if [ $got = "$want" ] && { [ $got = allowed ] || [[ $said == *"$text"* ]]; }; then
        echo "ok $number - $want in $file: $line"
    else
        echo "not ok $number - $want in $file: $line"
        echo "# it was $got: $said"
        status=1
    fi
}

check allowed src/ds/a.c '#include "ds/a.h"'
check allowed src/ds/a.c '#include "base/a.h"'
check allowed src/ds/a.c '#include <string.h>'
check allowed src/ds/a.c '#include <sys/uio.h>'
check allowed src/ds/a.c '// #include "net/conn.h"'
check refused src/ds/a.c '#include "store/item.h"' 'it may include: base'
check refused src/ds/a.h '  #  include "net/conn.h"'
check refused src/base/a.c '#include "ds/a.h"' 'it may include: '
check refused src/ds/a.c '#include "b.h"' 'write "room/file.h"'
check refused src/ds/a.c '#include <base/a.h>' 'write "base/a.h"'
check refused src/ds/a.c '#include <event2/event.h>'
check refused src/engine/a.c '#include <event2/buffer.h>'
check refused src/ds/a.c '#include <jemalloc/jemalloc.h>'
check allowed src/base/a.c '#include <jemalloc/jemalloc.h>'
check allowed src/net/a.c '#include <event2/event.h>'
check allowed src/server/a.c '#include <event2/event.h>'
check allowed src/cmd/a.c '#include "resp/writer.h"'
check allowed src/cmd/a.c '#include "resp/reply.h"'
check refused src/cmd/a.c '#include "resp/parser.h"'
check refused src/cmd/a.c '#include "engine/engine.h"'
check allowed src/log/a.c '#include "store/snapshot.h"'
check refused src/log/a.c '#include "ds/table.h"'
check allowed src/engine/a.c '#include "log/aof.h"'
check refused src/engine/a.c '#include "net/conn.h"'
check refused src/net/a.c '#include "store/keyspace.h"'
check refused src/net/a.c '#include "server/config.h"'
check allowed src/engine/a.c '#include "engine/engine_impl.h"'
check refused src/server/a.c '#include "engine/engine_impl.h"' 'is for the files of engine/ alone'
check allowed src/engine/a_impl.h '#include "engine/engine_impl.h"'
check refused src/engine/a.h '#include "engine/engine_impl.h"' 'may not include "engine/engine_impl.h"'
check refused src/store/a.c '#include "base/clock.h"' 'reads no clock'
check refused src/engine/a.c '#include <time.h>' 'reads no clock'
check refused src/cmd/a.c '#include "base/ticks.h"' 'reads no clock'
check allowed src/engine/a.c '#include "base/ticks.h"'
check allowed src/net/a.c '#include "base/clock.h"'
check refused src/nowhere/a.c 'int a;' 'no room'
echo "1..$number"
exit $status
