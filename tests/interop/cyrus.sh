# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: Cyrus's lmtpd, once for everybody and once with STARTTLS and AUTH.  Mailboxes are made at the
# first delivery, those of alice, bob and carol; it is postman who may log in, since an administrator cannot have one.

# shellcheck disable=SC2034
cyrus_doors=(lmtp login)

cyrus_imapd_conf() {
    cat <<E
configdirectory: $C/conf
partition-default: $C/mail
defaultpartition: default
proc_path: $C/conf/proc
mboxname_lockpath: $C/conf/lock
lmtpsocket: $C/conf/socket/lmtp
idlesocket: $C/conf/socket/idle
notifysocket: $C/conf/socket/notify
cyrus_user: nobody
cyrus_group: nogroup
servername: mail.example.test
unixhierarchysep: yes
virtdomains: userid
defaultdomain: example.test
admins: postman
autocreate_quota: 0
autocreate_post: yes
autocreate_users: alice bob carol
lmtp_downcase_rcpt: yes
maxmessagesize: $MAX_BYTES
allowplaintext: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $C/sasldb
sasl_mech_list: PLAIN LOGIN SCRAM-SHA-256
loginrealms: mail.example.test
tls_server_cert: $PKI/server.crt
tls_server_key: $C/server.key
tls_client_ca_file: $PKI/ca.crt
duplicatesuppression: 0
conversations: no
E
}

cyrus_start() {
    local lib
    C=$DIR/cyrus lib=$DIR/cyrus/root/usr/lib/cyrus/bin
    unpack "$C/root" cyrus-common
    install -d -o nobody "$C/mail" "$C/conf" "$C"/conf/{proc,socket,lock,db,log,msg,ptclient}
    saslpasswd "$C/sasldb" postman
    install -o nobody -m 600 "$PKI/server.key" "$C/server.key"
    chown nobody "$C/sasldb"
    cyrus_imapd_conf >"$C/imapd.conf"
    cat >"$C/cyrus.conf" <<E
START {
  recover cmd="$lib/ctl_cyrusdb -C $C/imapd.conf -r"
}
SERVICES {
  lmtp  cmd="$lib/lmtpd -C $C/imapd.conf -a" listen="127.0.0.1:${PORT[cyrus lmtp]}" prefork=1
  login cmd="$lib/lmtpd -C $C/imapd.conf" listen="127.0.0.1:${PORT[cyrus login]}" prefork=0
}
E
    LD_LIBRARY_PATH=$(echo "$C"/root/usr/lib/*-linux-gnu*) launch cyrus "$lib/master" -C "$C/imapd.conf" \
        -M "$C/cyrus.conf" -p "$C/master.pid"
}

cyrus_ready() { accepts "${PORT[cyrus lmtp]}"; }

cyrus_files() { echo "\"log\": \"$DIR/cyrus/out\", \"mail\": \"$DIR/cyrus/mail\""; }
