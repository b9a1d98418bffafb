#!/usr/bin/env bash
# The Debian package: what is in it, what lintian says, and, as root, its life: installed, started as its unit says,
# removed and purged. That happens in an overlay over this machine's files, in namespaces of its own: nothing outside changes.
set -uo pipefail
root=${CORSAC_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$root/tests/clients/tap.sh"
deb=$PWD/corsac.deb

for tool in dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 77; }
done

check 'it is made' '' "$root/utils/debian/build" "$CORSAC_BIN" "$deb"
check 'its files' './etc/corsac/corsac.conf
./etc/logrotate.d/corsac
./lib/systemd/system/corsac.service
./usr/bin/corsac
./usr/share/doc/corsac/README.md.gz
./usr/share/doc/corsac/changelog.gz
./usr/share/doc/corsac/copyright
./usr/share/man/man1/corsac.1.gz' bash -c "dpkg-deb -c '$deb' | grep -v '^d' | awk '{ print \$6 }' | sort"
check 'its configuration is kept when changed' '/etc/corsac/corsac.conf
/etc/logrotate.d/corsac' dpkg-deb -I "$deb" conffiles
check_has 'it depends on the libraries that it is linked with' libevent dpkg-deb -f "$deb" Depends
check 'the same again has the same bytes' '' \
    bash -c "'$root/utils/debian/build' '$CORSAC_BIN' again.deb && cmp again.deb '$deb'"
check_has 'make deb makes it' 'utils/debian/build build/corsac build/corsac.deb' \
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$root" -n BUILD=build deb

if command -v lintian >/dev/null; then
    check 'lintian finds no fault' '' lintian --allow-root --fail-on error,warning "$deb"
else
    skip 'lintian finds no fault' 'there is no lintian'
fi
if command -v systemd-analyze >/dev/null; then
    dpkg-deb -x "$deb" tree
    sed "s|^ExecStart=/usr/bin/|ExecStart=$PWD/tree/usr/bin/|" tree/lib/systemd/system/corsac.service >corsac.service
    check 'systemd understands the unit' '' systemd-analyze verify --man=no "$PWD/corsac.service"
else
    skip 'systemd understands the unit' 'there is no systemd-analyze'
fi

if [ "$(id -u)" != 0 ]; then
    skip 'its life' 'only root can install it'
elif ! unshare -m -n -p -f "$root/tests/utils/overlay" true 2>overlay.log; then
    skip 'its life' "no overlay can be mounted here: $(tail -n 1 overlay.log)"
else
    unshare -m -n -p -f "$root/tests/utils/overlay" \
        /usr/bin/python3 "$root/tests/utils/package_life.py" "$deb" >life.log 2>&1
    while IFS= read -r line; do
        case $line in
        'ok '*) ok "${line#ok }" ;;
        'not ok '*) not_ok "${line#not ok }" "$(cat life.log)" ;;
        esac
    done <life.log
    check 'its life was seen to the end' 'done' tail -n 1 life.log
fi
done_testing
