# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: what Debian 12 has to install.
#
# Postfix itself is only unpacked, below DIR, since the distribution's packages of mail servers exclude each other; its
# package is kept in a cache: $POSTEL_INTEROP_CACHE, or postel-interop in $XDG_CACHE_HOME or ~/.cache.  The others are
# installed.  No service of theirs is started.

PACKAGES=(dovecot-core dovecot-submissiond gnutls-bin libdb5.3 libicu72 libnsl2 libsasl2-2 libsasl2-modules
          libsasl2-modules-db libssl3 procps python3 python3-aiosmtpd sasl2-bin util-linux)
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

postfix_package() { ls "$CACHE"/postfix_*.deb 2>/dev/null; }

download_postfix() (
    [ -z "$(postfix_package)" ] || exit 0
    partial=$(mktemp -d "$CACHE/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$partial" && apt_get download postfix && mv postfix_*.deb "$CACHE"
)

install_all() {
    CACHE=$CACHE/$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")-$(dpkg --print-architecture)
    mkdir -p "$CACHE"
    {
        flock 9
        install_packages && download_postfix
    } 9>"$CACHE/lock" >"$DIR/install.log" 2>&1 || { tail -n 20 "$DIR/install.log" >&2; die "installing failed"; }
    getent group postdrop >/dev/null || groupadd --system postdrop
    getent passwd postfix >/dev/null || useradd --system --user-group --home-dir /nonexistent \
        --shell /usr/sbin/nologin postfix
}
