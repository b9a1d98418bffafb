#!/usr/bin/env bash
# The format of the append-only files, written by what log/format.h says: `corsac --check-aof` takes
# it, Redis' check tools do, and redis-server and valkey-server load it with the same data. What is
# not installed is skipped.
set -u
here=$(dirname "$0")
. "$here/tap.sh"

python3 "$here/aof_sample.py" sample >expected.txt || exit 1
check_has "corsac --check-aof takes the files" "The append-only log is fine." \
    "$CORSAC_BIN" --check-aof sample
check_has "and a single one" "positions 5000 to 5000" \
    "$CORSAC_BIN" --check-aof sample/appendonly.aof.1.base.aof
"$CORSAC_BIN" --check-aof sample --fix --nonsense >/dev/null 2>&1
check "a word that it does not know" 2 echo $?
cp -r sample torn && truncate -s -1 torn/appendonly.aof.2.incr.aof
if "$CORSAC_BIN" --check-aof torn >/dev/null; then
    not_ok "a torn file is told by the exit status" "it is 0"
else
    ok "a torn file is told by the exit status"
fi
check_has "and cut" "is cut to 266 bytes" "$CORSAC_BIN" --check-aof torn --fix
check_has "the date of a file is told" "begun at 1700000005" "$CORSAC_BIN" --check-aof sample
cp -r sample early
check_has "the log as of its base" "appendonly.aof.2.incr.aof is no longer part" \
    "$CORSAC_BIN" --check-aof early --truncate-to-timestamp 1699999995
check_has "which is all that is left" "appendonly.aof.1.incr.aof: increment, sealed, 82 bytes" \
    "$CORSAC_BIN" --check-aof early
check_has "the log as of a second" "appendonly.aof.2.incr.aof is no longer part" \
    "$CORSAC_BIN" --check-aof sample --truncate-to-timestamp 1700000000
rm -rf sample && python3 "$here/aof_sample.py" sample >/dev/null

for tool in redis-check-aof valkey-check-aof; do
    if command -v $tool >/dev/null; then
        check_has "$tool takes the files" "All AOF files and manifest are valid" \
            $tool sample/appendonly.aof.manifest
    else
        skip "$tool takes the files" "not installed"
    fi
done

# The keys of the server at $port, as aof_sample.py prints them.
dump() {
    python3 - "$port" <<'EOF'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
def ask(*words):
    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    return answer()
def answer():
    line = f.readline()
    if line[:1] == b"$":
        return f.read(int(line[1:]) + 2)[:-2]
    if line[:1] == b"*":
        return [answer() for _ in range(int(line[1:]))]
    return line.strip()
for key in ask(b"KEYS", b"*"):
    print(key.hex(), ask(b"GET", key).hex())
EOF
}

# Runs the server $1 on the directory there-and-back, sends it the rest of the words as one request, and
# kills it; prints the reply's lines.
visit() {
    server=$1 && shift
    port=$((20000 + RANDOM % 12000))
    "$server" --port $port --dir "$PWD/there-and-back" --appendonly yes --save "" >>visit.log 2>&1 &
    visit_pid=$!
    python3 - $port "$@" <<'EOF'
import socket, sys, time
words = [w.encode() for w in sys.argv[2:]]
request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
end = time.monotonic() + 20
reply = b"-LOADING"
while reply.startswith(b"-LOADING") and time.monotonic() < end:
    time.sleep(0.05)
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
        s.sendall(request)
        time.sleep(0.2)
        reply = s.recv(65536)
    except OSError:
        pass
print(reply.decode().replace("\r\n", " "))
EOF
    kill -9 $visit_pid && wait $visit_pid 2>/dev/null
    return 0
}

for peer in redis-server valkey-server; do
    if command -v $peer >/dev/null; then
        rm -rf there-and-back && mkdir there-and-back
        visit "$CORSAC_BIN" SET a 1 >/dev/null
        visit $peer SET b 2 >/dev/null
        visit "$CORSAC_BIN" SET c 3 >/dev/null
        visit $peer SET d 4 >/dev/null
        check_has "from Corsac to $peer and back, twice" "*4 \$1 1 \$1 2 \$1 3 \$1 4" \
            visit "$CORSAC_BIN" MGET a b c d
        check_has "$peer has the same" "*4 \$1 1 \$1 2 \$1 3 \$1 4" visit $peer MGET a b c d
    else
        skip "from Corsac to $peer and back, twice" "not installed"
        skip "$peer has the same" "not installed"
    fi
done

for peer in redis-server valkey-server; do
    program=$(command -v $peer)
    # Debian's redis-tools has the server too, by another name: it goes by what it is called.
    [ $peer != redis-server ] || program=${program:-$(command -v redis-check-rdb)}
    if [ -z "$program" ]; then
        skip "$peer loads the same data" "not installed"
        continue
    fi
    rm -rf peer && mkdir peer && cp -r sample peer/appendonlydir
    port=$((20000 + RANDOM % 12000))
    (exec -a $peer "$program" --port $port --dir "$PWD/peer" --appendonly yes --save "" >peer.log 2>&1) &
    peer_pid=$!
    for _ in $(seq 200); do
        dump >got.txt 2>/dev/null && [ -s got.txt ] && ! grep -q ^4c4f4144 got.txt && break
        kill -0 $peer_pid 2>/dev/null || break
        sleep 0.05
    done
    check "$peer loads the same data" "" diff <(sort expected.txt) <(sort got.txt)
    kill $peer_pid && wait $peer_pid
done
echo "1..$tap_count"
[ $tap_failed == 0 ]
