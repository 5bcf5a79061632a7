# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: a Postfix of our own, with these doors:
#   starttls     STARTTLS, AUTH PLAIN
#   submissions  implicit TLS, every mechanism
#   login        STARTTLS, AUTH LOGIN, neither CHUNKING nor PIPELINING
#   clear        no TLS, yet AUTH is offered
#   relay        no TLS, no AUTH: for Dovecot
#   few          as relay, few recipients at once, and XCLIENT is offered
# Mail to relay.example.test goes on to the recorder, which shows the envelope; all other is kept, one file a recipient.

# shellcheck disable=SC2034
postfix_doors=(starttls submissions login clear relay few)

postfix_directories() {
    local name
    mkdir -p "$P/etc/sasl" "$P/spool/pid" "$P/mail"
    unpack "$P/root" postfix
    for name in active bounce corrupt defer deferred flush hold incoming private saved trace; do
        install -d -o postfix -m 700 "$P/spool/$name"
    done
    install -d -o postfix -g postdrop -m 710 "$P/spool/public"
    install -d -o postfix -g postdrop -m 730 "$P/spool/maildrop"
    install -d -o postfix "$P/data"
    chown nobody: "$P/mail"
}

postfix_users() {
    saslpasswd "$P/etc/sasl/db"
    chown postfix "$P/etc/sasl/db"
    cat >"$P/etc/sasl/smtpd.conf" <<E
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $P/etc/sasl/db
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
E
}

postfix_tables() {
    cat >"$P/etc/recipients" <<'E'
/^nobody@/  550 5.1.1 No such user here
/^grey@/    450 4.7.1 Greylisted, try again later
/^full@/    452 4.2.2 Mailbox full
/^huge@/    552 5.2.2 Quota exceeded
E
    cat >"$P/etc/senders" <<'E'
/^reject@/  550 5.7.1 Sender rejected
/^later@/   451 4.7.1 Try later
E
}

# local_header_rewrite_clients: no header is added to what comes from loopback.
# smtpd_delay_reject=no: a refused sender is refused at MAIL.
postfix_main() {
    cat <<E
compatibility_level = 3.6
command_directory = $P/root/usr/sbin
daemon_directory = $P/root/usr/lib/postfix/sbin
shlib_directory = $P/root/usr/lib/postfix
meta_directory = $P/etc
data_directory = $P/data
queue_directory = $P/spool
mail_owner = postfix
setgid_group = postdrop
import_environment = MAIL_CONFIG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH
maillog_file = $P/log
maillog_file_prefixes = $DIR
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
biff = no
alias_maps =
local_recipient_maps =
local_header_rewrite_clients =
virtual_mailbox_domains = static:all
virtual_mailbox_base = $P
virtual_mailbox_maps = static:mail/
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
transport_maps = inline:{relay.example.test=smtp:[127.0.0.1]:${PORT[recorder relay]}}
message_size_limit = $MAX_BYTES
smtpd_banner = \$myhostname ESMTP $INSTANCE
smtpd_peername_lookup = no
smtpd_delay_reject = no
smtpd_sender_restrictions = check_sender_access regexp:$P/etc/senders
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:$P/etc/recipients
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = mail.example.test
smtpd_tls_cert_file = $PKI/server.crt
smtpd_tls_key_file = $PKI/server.key
E
}

postfix_master() {
    cat <<E
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
127.0.0.1:${PORT[postfix starttls]} inet n - n - - smtpd
  -o syslog_name=starttls
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_mechanism_filter=plain
127.0.0.1:${PORT[postfix submissions]} inet n - n - - smtpd
  -o syslog_name=submissions
  -o smtpd_tls_wrappermode=yes
127.0.0.1:${PORT[postfix login]} inet n - n - - smtpd
  -o syslog_name=login
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_mechanism_filter=login
  -o smtpd_discard_ehlo_keywords=chunking,pipelining
127.0.0.1:${PORT[postfix clear]} inet n - n - - smtpd
  -o syslog_name=clear
127.0.0.1:${PORT[postfix relay]} inet n - n - - smtpd
  -o syslog_name=relay
  -o smtpd_sasl_auth_enable=no
  -o smtpd_relay_restrictions=permit_mynetworks,reject
127.0.0.1:${PORT[postfix few]} inet n - n - - smtpd
  -o syslog_name=few
  -o smtpd_sasl_auth_enable=no
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_limit=$MAX_RECIPIENTS
  -o smtpd_authorized_xclient_hosts=127.0.0.1
E
}

postfix_start() {
    P=$DIR/postfix
    postfix_directories
    postfix_users
    postfix_tables
    postfix_main >"$P/etc/main.cf"
    postfix_master >"$P/etc/master.cf"
    LD_LIBRARY_PATH=$P/root/usr/lib/postfix launch postfix "$P/root/usr/lib/postfix/sbin/master" -c "$P/etc" -d
}

# The session that asked for the greeting must not be taken for a case's: its end has to be in the log.
postfix_ready() {
    greets "${PORT[postfix relay]}" && grep -q 'disconnect from' "$DIR/postfix/log"
}

postfix_files() {
    echo "\"log\": \"$DIR/postfix/log\", \"mail\": \"$DIR/postfix/mail/new\", \"queue\": \"$DIR/postfix/spool\""
}
