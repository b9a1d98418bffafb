#!/usr/bin/env bash
# What Docker and Kubernetes read, as far as it can be judged without them: grammar and schemas, what the files name,
# what the configuration says, and the health check beside a server.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$root/tests/clients/tap.sh"
docker=$root/utils/docker/Dockerfile
manifest=$root/conf/kubernetes/corsac.yaml
judge() { node "$root/tests/clients/node/deploy.mjs" "$@"; }

check 'the Dockerfile is right' '' judge dockerfile "$docker"
printf 'FROM debian\nRUNS make\n' >wrong
check 'what is wrong in one is found' 1 bash -c "node '$root/tests/clients/node/deploy.mjs' dockerfile wrong | wc -l"

copied_are_there() {
    sed -n 's/^COPY \(--chmod=[0-9]* \)\{0,1\}\([a-z][^ ]*\) .*/\2/p' "$docker" | while read -r path; do
        [ -e "$root/$path" ] || echo "$path"
    done
}
check 'what it copies is there' '' copied_are_there

# Building needs the packages that utils/deps installs, but for git, which a context without history does not need.
needed_but_missing() {
    sed -n '/^build() {/,/^}/s/^ *need \([a-z0-9.+-]*\) .*/\1/p' "$root/utils/deps" | grep -vx git |
        while read -r name; do
        sed -n '/ AS build$/,/^WORKDIR/p' "$docker" | grep -qw -- "$name" || echo "$name"
    done
}
check 'it installs what building needs' '' needed_but_missing
check 'its version is that of the Makefile' "$(sed -n 's/^VERSION := //p' "$root/Makefile")" \
    sed -n 's/^ *image: corsac://p' "$manifest"

check 'the Kubernetes objects are right' '' judge kubernetes "$manifest"
sed 's/^\( *\)periodSeconds:/\1periodSecond:/' "$manifest" >misspelled.yaml
sed 's/containerPort: 6379/containerPort: "6379"/' "$manifest" >mistyped.yaml
sed 's/secretName:/secretname:/; s/targetPort: http/targetPort: https/' "$manifest" >misnamed.yaml
faults() { judge kubernetes "$1" || true; }
check_has 'a misspelled field is found' 'periodSecond' faults misspelled.yaml
check_has 'a wrong type is found' 'must be integer' faults mistyped.yaml
check_has 'a name of nothing is found' 'no port https' faults misnamed.yaml
config() { judge config "$manifest" | sed 's|^dir .*|dir .|' >pod.conf && "$CORSAC_BIN" --check-config pod.conf; }
check_has 'the ConfigMap has a configuration that starts' '' config

http_port=$((20000 + RANDOM % 12000))
start_server --http-port $http_port
check 'a server that answers is healthy' '+PONG' "$root/utils/docker/healthcheck" $port
check 'so it is by its environment' '+PONG' env CORSAC_PORT=$port "$root/utils/docker/healthcheck"
redis-cli -p $port config set requirepass secret >/dev/null
check_has 'one that asks for a password is healthy' NOAUTH "$root/utils/docker/healthcheck" $port
# With a password, too, as Kubernetes has none to give.
probes() {
    { sed -n 's/.*httpGet: {path: \([^,]*\),.*/\1/p' "$manifest"; sed -n 's/^ *prometheus.io\/path: //p' "$manifest"; } |
        sort -u | while read -r path; do
        echo "$path $(node -e 'fetch(process.argv[1]).then(({ status }) => console.log(status))' \
            "http://127.0.0.1:$http_port$path")"
    done
}
check 'what probes and Prometheus ask is answered' '/healthz 200
/metrics 200
/readyz 200' probes
stop_server || not_ok 'it ends' "$(cat server/log)"
"$root/utils/docker/healthcheck" $port >/dev/null 2>&1
check 'one that has ended is not' 1 echo $?
start_server
done_testing
