# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: Sendmail, with STARTTLS and with implicit TLS, both with AUTH, and in the clear without.  It is
# the one that offers DELIVERBY.  Mail to relay.example.test goes on to the recorder; all other is kept, one file a
# recipient, with the address in front.
#
# It refuses keys below a folder that all may write to, so it sees its own folder as /mnt; a host name without a dot
# would make it sleep for a minute.  Hence the namespaces.

# shellcheck disable=SC2034
sendmail_doors=(starttls submissions clear)

sendmail_mc() {
    local cf=$S/root/usr/share/sendmail/cf
    cat <<E
divert(0)
define(\`_CF_DIR_', \`$cf/')
include(\`$cf/m4/cf.m4')
OSTYPE(\`linux')
define(\`confDOMAIN_NAME', \`mail.example.test')
define(\`confSMTP_LOGIN_MSG', \`mail.example.test $INSTANCE')
define(\`confSERVICE_SWITCH_FILE', \`$S/switch')
define(\`confPID_FILE', \`$S/sendmail.pid')
define(\`QUEUE_DIR', \`$S/queue')
define(\`STATUS_FILE', \`$S/statistics')
define(\`ALIAS_FILE', \`$S/aliases')
define(\`HELP_FILE', \`$S/helpfile')
define(\`confCONTROL_SOCKET_NAME', \`$S/control')
define(\`confCACERT_PATH', \`/mnt/tls')
define(\`confCACERT', \`/mnt/tls/ca.crt')
define(\`confSERVER_CERT', \`/mnt/tls/server.crt')
define(\`confSERVER_KEY', \`/mnt/tls/server.key')
define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN')
define(\`confAUTH_REALM', \`mail.example.test')
TRUST_AUTH_MECH(\`PLAIN LOGIN')
define(\`confMAX_MESSAGE_SIZE', \`$MAX_BYTES')
define(\`confMAX_RCPTS_PER_MESSAGE', \`$MAX_RECIPIENTS')
define(\`confTO_IDENT', \`0')
define(\`confDONT_BLAME_SENDMAIL', \`GroupReadableKeyFile,GroupReadableSASLDBFile')
define(\`confPRIVACY_FLAGS', \`novrfy,noexpn')
define(\`confDELIVERY_MODE', \`interactive')
define(\`confCONNECTION_RATE_THROTTLE', \`0')
FEATURE(\`no_default_msa')
FEATURE(\`nocanonify')
FEATURE(\`accept_unqualified_senders')
FEATURE(\`accept_unresolvable_domains')
FEATURE(\`promiscuous_relay')
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Addr=127.0.0.1, Port=${PORT[sendmail clear]}, M=EA')
DAEMON_OPTIONS(\`Family=inet, Name=MSA, Addr=127.0.0.1, Port=${PORT[sendmail starttls]}, M=Ea')
DAEMON_OPTIONS(\`Family=inet, Name=TLS, Addr=127.0.0.1, Port=${PORT[sendmail submissions]}, M=Eas')
MAILER(\`local')
MAILER(\`smtp')
E
}

sendmail_rules() {      # a rule's two sides are separated by tabs
    cat <<'E' | sed 's/ => /\t/'
LOCAL_CONFIG
ESASL_CONF_PATH=/mnt/sasl
LOCAL_RULE_0
R$+ < @ relay.example.test . > $* => $#recorder $@ relay.example.test $: $1 < @ relay.example.test >
R$+ < @ relay.example.test > $* => $#recorder $@ relay.example.test $: $1 < @ relay.example.test >
R$+ < @ $+ > $* => $#tofile $@ $2 $: $1 < @ $2 >
LOCAL_RULESETS
SLocal_check_rcpt
R$* => $: $>CanonAddr $1
Rnobody < @ $* > $* => $#error $@ 5.1.1 $: "550 No such user here"
Rgrey < @ $* > $* => $#error $@ 4.7.1 $: "450 Greylisted, try again later"
Rfull < @ $* > $* => $#error $@ 4.2.2 $: "452 Mailbox full"
Rhuge < @ $* > $* => $#error $@ 5.2.2 $: "552 Quota exceeded"
SLocal_check_mail
R$* => $: $>CanonAddr $1
Rreject < @ $* > $* => $#error $@ 5.7.1 $: "550 Sender rejected"
Rlater < @ $* > $* => $#error $@ 4.7.1 $: "451 Try later"
MAILER_DEFINITIONS
E
    cat <<E
Mtofile, P=$S/deliver, F=lnsu8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, T=DNS/RFC822/X-Unix,
	U=nobody:nogroup, A=deliver \$u
Mrecorder, P=[IPC], F=muXk8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, E=\\r\\n, L=2040, T=DNS/RFC822/SMTP,
	A=TCP 127.0.0.1 ${PORT[recorder relay]}
E
}

sendmail_start() {
    S=$DIR/sendmail
    unpack "$S/root" sendmail-bin sendmail-cf
    install -d -m 700 "$S/queue" "$S/sasl" "$S/tls"
    install -d -o nobody "$S/mail"
    install -m 600 "$PKI/server.crt" "$PKI/server.key" "$PKI/ca.crt" "$S/tls"
    saslpasswd "$S/sasl/db"
    chmod 600 "$S/sasl/db"
    printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: /mnt/sasl/db\n' >"$S/sasl/Sendmail.conf"
    cat >"$S/deliver" <<E
#!/bin/sh
t=\$(mktemp $S/mail/.XXXXXXXX) && { echo "Delivered-To: \$1"; cat; } >"\$t" && mv "\$t" "$S/mail/\${t##*.}"
E
    chmod 755 "$S/deliver"
    touch "$S/aliases"
    echo "hosts files" >"$S/switch"
    { sendmail_mc; sendmail_rules; } >"$S/conf.mc"
    m4 "$S/conf.mc" >"$S/conf"
    # shellcheck disable=SC2016
    launch sendmail unshare -um sh -c 'hostname mail.example.test && mount --bind "$0" /mnt &&
        exec "$0/root/usr/libexec/sendmail/sendmail" -bD -q1m -C "$0/conf" -X "$0/log"' "$S"
}

sendmail_ready() { greets "${PORT[sendmail clear]}"; }

sendmail_files() {
    echo "\"log\": \"$DIR/sendmail/log\", \"mail\": \"$DIR/sendmail/mail\", \"queue\": \"$DIR/sendmail/queue\""
}
