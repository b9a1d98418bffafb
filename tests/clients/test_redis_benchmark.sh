#!/usr/bin/env bash
# redis-benchmark runs to its end and gives figures; how high they are is not the question here.
set -u
. "$(dirname "$0")/tap.sh"
unset REDISCLI_AUTH
start_server

# bench WHAT "NAME NAME..." OPTION...: a line of figures for each name, no warning, exit status 0.
bench() {
    local what=$1 names=$2 got status=0 name
    shift 2
    got=$(timeout 60 redis-benchmark -p "$port" -q "$@" 2>&1 | tr '\r' '\n'; exit "${PIPESTATUS[0]}") || status=$?
    [ $status == 0 ] || { not_ok "$what" "exit status $status: $got"; return; }
    [[ $got != *"Could not fetch"* && $got != *rror* ]] || { not_ok "$what" "$got"; return; }
    for name in $names; do
        grep -qE "^$name.*: [0-9]+\.[0-9]+ requests per second" <<<"$got" || { not_ok "$what, $name" "$got"; return; }
    done
    ok "$what"
}

all="PING_INLINE PING_MBULK SET GET INCR MSET"
bench "in pipelines" "$all" -t ping,set,get,incr,mset -P 16 -n 20000
bench "one by one" "$all" -t ping,set,get,incr,mset -n 5000 -c 20
bench "with random keys and large values" "SET GET" -t set,get -r 10000 -d 3000 -P 8 -n 10000
bench "from two threads" "SET GET" -t set,get -P 16 -n 20000 --threads 2
bench "with connections that are used once" "PING_INLINE" -t ping_inline -k 0 -n 1000 -c 10
bench "with a command of one's own" "set" -r 1000 -n 5000 -P 4 set own:__rand_int__ v
bench "in RESP3" "SET" -3 -t set -n 2000
csv() { redis-benchmark -p "$port" -t get -n 1000 --csv | grep -cE '^"GET","[0-9.]+"'; }
check "as CSV" "1" csv
keys() { [ "$(redis-cli -p "$port" dbsize)" -gt 1000 ] && echo many; }
check "the keys are there" "many" keys

done_testing
