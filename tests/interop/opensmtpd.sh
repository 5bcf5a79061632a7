# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: OpenSMTPD, in the clear without AUTH: Debian 12's cannot do TLS (OpenSMTPD issue 1239).  It
# has no PIPELINING.  Mail to relay.example.test goes on to the recorder; all other is kept, one file a recipient.
#
# The paths of its spool, its socket and its helpers are built in, hence the mount namespace.

# shellcheck disable=SC2034
opensmtpd_doors=(clear)

opensmtpd_conf() {
    cat <<E
smtp max-message-size $MAX_BYTES
smtp limit max-mails 1000
smtp limit max-rcpt $MAX_RECIPIENTS
table all { "@" = nobody }
filter f1 phase rcpt-to match rcpt-to regex "^nobody@" reject "550 5.1.1 No such user here"
filter f2 phase rcpt-to match rcpt-to regex "^grey@" reject "450 4.7.1 Greylisted, try again later"
filter f3 phase rcpt-to match rcpt-to regex "^full@" reject "452 4.2.2 Mailbox full"
filter f4 phase rcpt-to match rcpt-to regex "^huge@" reject "552 5.2.2 Quota exceeded"
filter f5 phase mail-from match mail-from regex "^reject@" reject "550 5.7.1 Sender rejected"
filter f6 phase mail-from match mail-from regex "^later@" reject "451 4.7.1 Try later"
filter all chain { f1, f2, f3, f4, f5, f6 }
listen on 127.0.0.1 port ${PORT[opensmtpd clear]} hostname $INSTANCE filter all
action deliver maildir "$DIR/opensmtpd/mail" virtual <all>
action onward relay host smtp://127.0.0.1:${PORT[recorder relay]}
match from any for domain relay.example.test action onward
match from any for any action deliver
E
}

opensmtpd_start() {
    local name O=$DIR/opensmtpd
    unpack "$O/root" opensmtpd
    mkdir -p "$O/run" "$O/lib/opensmtpd/empty" "$O/spool/smtpd"
    chmod 711 "$O/lib/opensmtpd/empty" "$O/spool/smtpd"
    for name in queue corrupt incoming temporary purge; do
        install -d -o opensmtpq -m 700 "$O/spool/smtpd/$name"
    done
    install -d -g opensmtpq -m 770 "$O/spool/smtpd/offline"
    install -d -o nobody "$O/mail"
    opensmtpd_conf >"$O/conf"
    # shellcheck disable=SC2016
    launch opensmtpd unshare -m sh -c 'mount --bind "$0/run" /run && mount --bind "$0/spool" /var/spool &&
        mount --bind "$0/lib" /var/lib && mount --bind "$0/root/usr/libexec" /usr/libexec &&
        exec "$0/root/usr/sbin/smtpd" -d -f "$0/conf"' "$O"
}

opensmtpd_ready() { greets "${PORT[opensmtpd clear]}"; }

opensmtpd_files() {
    echo "\"log\": \"$DIR/opensmtpd/out\", \"mail\": \"$DIR/opensmtpd/mail/new\"," \
        "\"queue\": \"$DIR/opensmtpd/spool/smtpd/queue\""
}
