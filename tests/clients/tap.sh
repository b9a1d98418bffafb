# Sourced by the shell tests: counts tests in TAP, and starts a server that ends with the test.
# Needs CORSAC_BIN; works in the current directory.

tap_count=0
tap_failed=0
port=
server_pid=

ok() { # ok WHAT
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

not_ok() { # not_ok WHAT DETAIL
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
    sed 's/^/# /' <<<"$2"
}

skip() { # skip WHAT WHY
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

# check WHAT EXPECTED COMMAND...: the output of the command, without the last line breaks.
check() {
    local what=$1 expected=$2 got status=0
    shift 2
    got=$("$@" 2>&1) || status=$?
    if [ "$got" == "$expected" ] && [ $status == 0 ]; then
        ok "$what"
    else
        not_ok "$what" "expected: $expected
but is (exit status $status): $got"
    fi
}

# check_has WHAT TEXT COMMAND...: the output contains the text.
check_has() {
    local what=$1 text=$2 got status=0
    shift 2
    got=$("$@" 2>&1) || status=$?
    if [[ $got == *"$text"* ]] && [ $status == 0 ]; then
        ok "$what"
    else
        not_ok "$what" "expected to contain: $text
but is (exit status $status): $got"
    fi
}

start_server() { # start_server [OPTION...]: at a free port, in ./server
    mkdir -p server
    local attempt
    for attempt in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 12000))
        "$CORSAC_BIN" --port $port --dir server --save "" --appendonly no "$@" >server/log 2>&1 </dev/null &
        server_pid=$!
        for _ in $(seq 400); do
            [ "$(redis-cli -p $port ping 2>/dev/null)" == PONG ] && kill -0 $server_pid 2>/dev/null && return
            kill -0 $server_pid 2>/dev/null || break # the port may be taken: try another one
            sleep 0.05
        done
        kill -9 $server_pid 2>/dev/null
    done
    echo "Bail out! the server does not start: $(cat server/log)"
    exit 1
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill $server_pid 2>/dev/null
    wait $server_pid
    local status=$?
    server_pid=
    return $status
}

done_testing() {
    if stop_server; then
        ok "the server ends with exit status 0"
    else
        not_ok "the server ends with exit status 0" "$(cat server/log)"
    fi
    echo "1..$tap_count"
    [ $tap_failed == 0 ]
}

trap '[ -z "$server_pid" ] || kill -9 $server_pid 2>/dev/null' EXIT
