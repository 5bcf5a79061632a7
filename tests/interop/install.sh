# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: what Debian 12 has to install.
#
# The distribution's packages of mail servers exclude each other, so all but Dovecot and aiosmtpd are only unpacked,
# below DIR; the packages are kept in a cache: $POSTEL_INTEROP_CACHE, or postel-interop in $XDG_CACHE_HOME or ~/.cache.
# A server in Go is made from packaged source; the compiler is thrown away after.  What is left, libraries above all,
# is installed.  No service is started.

PACKAGES=(dovecot-core dovecot-lmtpd dovecot-submissiond gnutls-bin libclamav12 libcom-err2 libdb5.3 libevent-2.1-7
          libgnutls-dane0 libical3 libicu72 libidn12 libidn2-0 libjansson4 libkrb5-3 libldap-2.5-0 liblockfile1 libnsl2
          libpam0g libpcre2-8-0 libpcre3 libpq5 libsasl2-2 libsasl2-modules libsasl2-modules-db libsqlite3-0 libssl3
          libwrap0 libxapian30 libxml2 libzephyr4 m4 procps python3 python3-aiosmtpd sasl2-bin util-linux zlib1g)
UNPACKED=(chasquid cyrus-common exim4-daemon-light opensmtpd postfix sendmail-bin sendmail-cf)
GO_PACKAGES=(golang-1.19-go golang-1.19-src golang-github-emersion-go-sasl-dev golang-github-emersion-go-smtp-dev)
CACHE=${POSTEL_INTEROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postel-interop}
POLICY=/usr/sbin/policy-rc.d

missing_packages() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null | sed -n 's/ installed$//p' |
        sort -u | comm -13 - <(printf '%s\n' "${PACKAGES[@]}" | sort)
}

# apt_get COMMAND...: once more with fresh lists when the first try fails
apt_get() {
    local options=(-qq -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0)
    ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || apt-get "${options[@]}" update
    apt-get "${options[@]}" "$@" || { apt-get "${options[@]}" update && apt-get "${options[@]}" "$@"; }
}

# The packages' scripts ask policy-rc.d (101: no) before they start a service.  One that is there is put aside and
# restored after; what a killed run left behind, by the next.
forbid_services() {
    [ ! -e $POLICY ] || mv $POLICY $POLICY.before-postel
    printf '#!/bin/sh\n# made by postel tests/interop\nexit 101\n' >$POLICY
    chmod 755 $POLICY
}
restore_services() {
    grep -qs 'postel tests/interop' $POLICY || return 0
    rm $POLICY
    [ ! -e $POLICY.before-postel ] || mv $POLICY.before-postel $POLICY
}

install_packages() (
    restore_services
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || exit 0
    # Half an installation is worse than waiting for its end: a signal is obeyed behind it.
    trap '' INT TERM HUP
    trap restore_services EXIT
    forbid_services
    dpkg --configure -a
    apt_get install -y --no-install-recommends "${missing[@]}"
)

in_cache() {    # in_cache PACKAGE
    ls "$CACHE/$1"_*.deb >/dev/null 2>&1
}

# unpack DIRECTORY PACKAGE...
unpack() {
    local to=$1 package; shift
    mkdir -p "$to"
    for package; do dpkg-deb -x "$CACHE/$package"_*.deb "$to"; done
}

download_unpacked() (
    missing=()
    for package in "${UNPACKED[@]}"; do in_cache "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || exit 0
    partial=$(mktemp -d "$CACHE/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$partial" && apt_get download "${missing[@]}" && mv ./*.deb "$CACHE"
)

gosmtp_program() { echo "$CACHE/gosmtp-$(md5sum <"$HERE/gosmtp_server.go" | cut -c 1-12)"; }

build_gosmtp() (
    program=$(gosmtp_program)
    [ ! -x "$program" ] || exit 0
    partial=$(mktemp -d "$CACHE/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$partial" && apt_get download "${GO_PACKAGES[@]}" || exit 1
    for package in ./*.deb; do dpkg-deb -x "$package" . || exit 1; done
    export GOROOT=$partial/usr/lib/go-1.19 GOPATH=$partial/usr/share/gocode GOCACHE=$partial/objects
    GO111MODULE=off CGO_ENABLED=0 "$GOROOT/bin/go" build -o program "$HERE/gosmtp_server.go" || exit 1
    rm -f "$CACHE"/gosmtp-*
    mv program "$program"
)

# system_user NAME...: those whose names are built into the servers
system_user() {
    local name
    for name; do
        getent passwd "$name" >/dev/null || useradd --system --user-group --home-dir /nonexistent \
            --shell /usr/sbin/nologin "$name"
    done
}

install_all() {
    CACHE=$CACHE/$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")-$(dpkg --print-architecture)
    mkdir -p "$CACHE"
    {
        flock 9
        install_packages && download_unpacked && build_gosmtp
    } 9>"$CACHE/lock" >"$DIR/install.log" 2>&1 || { tail -n 20 "$DIR/install.log" >&2; die "installing failed"; }
    getent group postdrop >/dev/null || groupadd --system postdrop
    system_user postfix Debian-exim opensmtpd opensmtpq
}
