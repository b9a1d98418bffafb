#!/usr/bin/env bash
# The server as redis-cli sees it: its modes, and its interactive help, which comes from COMMAND DOCS.
set -u
here=$(dirname "$0")
. "$here/tap.sh"
unset REDISCLI_AUTH
start_server --unixsocket cli.sock

cli() { redis-cli -p "$port" "$@"; }
from() { # from INPUT COMMAND...
    local input=$1
    shift
    printf '%b' "$input" | "$@"
}

check "a command" "OK" cli set k value
check "its reply" "value" cli get k
check "a reply that says nothing" "" cli get nothing
check "a number" "2" cli exists k k
check "the last argument from standard input" "OK" from 'line one\nline two' cli -x set text
check "what came that way" $'line one\nline two' cli get text
check "a tagged argument from standard input" "OK" from 'inner' cli -X TAG set TAG2 TAG
check "commands from standard input" $'OK\n2\n3' from 'SET n 1\nINCR n\nINCR n\n' cli
check "quotes in commands from standard input" $'OK\na "b" c' from 'SET q "a \\"b\\" c"\nGET q\n' cli
check "a command again and again" $'4\n5\n6' cli -r 3 -i 0.01 incr n
check "another database" "OK" cli -n 5 set k five
check "which is another" "five" cli -n 5 get k
check "a URL" "five" redis-cli -u "redis://127.0.0.1:$port/5" get k
check "a Unix socket" "value" redis-cli -s server/cli.sock get k
check "CSV" '"value","text"' bash -c "redis-cli -p $port --csv mget k nothing >/dev/null; redis-cli -p $port set t text >/dev/null; redis-cli -p $port --csv mget k t"
check "RESP3" '1# "hz" => "10"' cli -3 --no-raw config get hz
check "JSON, by way of RESP3" '{"hz":"10"}' cli --json config get hz
check "an error" "ERR wrong number of arguments for 'get' command" cli get
if cli -e get >/dev/null 2>&1; then
    not_ok "an error, told by the exit status" "it is 0"
else
    ok "an error, told by the exit status"
fi

# --- many keys -----------------------------------------------------------------------------------

pipe() { for ((i = 0; i < 2000; i++)); do printf '*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$1\r\nv\r\n' $((5 + ${#i})) $i; done | cli --pipe; }
check_has "--pipe" "errors: 0, replies: 2000" pipe
scan() { cli --scan --pattern "$1" | wc -l; }
check "--scan" "2000" scan 'pipe:*'
check "--scan of some" "111" scan 'pipe:15*'
count_twice() { cli --scan | sort | uniq -d | wc -l; }
check "--scan gives no key twice at rest" "0" count_twice
cli set biggest "$(printf 'x%.0s' {1..500})" >/dev/null
check_has "--bigkeys" "Biggest string found '\"biggest\"' has 500 bytes" cli --bigkeys
check_has "--memkeys" "Biggest string found '\"biggest\"' has" cli --memkeys
latency() { timeout 20 redis-cli -p "$port" -i 1 --latency </dev/null | grep -cE '^[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+$'; }
check "--latency" "1" latency
check_has "--intrinsic-latency needs no server" "Max latency" cli --intrinsic-latency 1
check_has "INFO" "redis_version:" cli info server

# --- messages ------------------------------------------------------------------------------------

subscribe() {
    timeout 20 redis-cli -p "$port" --csv subscribe news >sub.out 2>&1 &
    local sub=$!
    for _ in $(seq 200); do
        [ "$(cli publish news hello)" == 1 ] && break
        sleep 0.05
    done
    for _ in $(seq 200); do
        grep -q hello sub.out && break
        sleep 0.05
    done
    kill $sub
    wait $sub 2>/dev/null
    tail -1 sub.out
}
check "SUBSCRIBE" '"message","news","hello"' subscribe

# --- interactive ---------------------------------------------------------------------------------

in_terminal() { # in_terminal WHAT DIALOGUE OPTION...: see terminal.py
    local what=$1 text=$2 got
    shift 2
    if got=$(/usr/bin/python3 "$here/terminal.py" redis-cli -p "$port" "$@" <<<"$text"); then
        ok "$what"
    else
        not_ok "$what" "$got"
    fi
}
dialogue() { # dialogue WHAT DIALOGUE: behind the first prompt
    in_terminal "$1" "< 127.0.0.1:$port> 
$2"
}

# It counts the keys of all databases: there is one in another.
in_terminal "--stat" "< keys
< $(($(cli dbsize) + 1)) " --stat -i 0.1

dialogue "commands and replies" '> set k typed\r
< OK
< >
> get k\r
< "typed"
< >
> get nothing\r
< (nil)
< >
> incr k\r
< (error) ERR value is not an integer or out of range
< >
> mget k nothing\r
< 1) "typed"
< 2) (nil)'
dialogue "help of a command" '> help set\r
< SET key value
< [NX|XX
< summary: 
< since: 1.0.0
< group: string'
dialogue "help of a container and its subcommand" '> help config set\r
< CONFIG SET parameter value [parameter value ...]
< group: server'
dialogue "help of a group" '> help @string\r
< APPEND key value
< summary: 
< GETRANGE key start end
< SETRANGE key offset value'
if [ "$(cli --no-raw info server | grep -c corsac_version)" == 0 ]; then
    skip "help of a command that redis-cli has never heard of" "the server is no Corsac"
else
    dialogue "help of a command that redis-cli has never heard of" '> help delifeq\r
< DELIFEQ key comparison-value
< summary: '
fi
dialogue "hints" '> expire 
< key seconds [NX|XX|GT|LT]
> k 
< seconds [NX|XX|GT|LT]
> 100 \r
< (integer)'
dialogue "completion" '> getra\t
< GETRANGE'
dialogue "another database in the prompt" "> select 3\r
< OK
< 127.0.0.1:$port[3]> "
dialogue "a transaction in the prompt" "> multi\r
< 127.0.0.1:$port(TX)> 
> incr n\r
< QUEUED
< (TX)>
> exec\r
< 1) (integer)"
dialogue "RESP3" "> hello 3\r
< \"proto\" => (integer) 3
< 127.0.0.1:$port> 
> config get hz\r
< 1# \"hz\" => \"10\""
dialogue "MONITOR" '> monitor\r
< OK'

done_testing
