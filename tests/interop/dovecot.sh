# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: Dovecot's submission service, STARTTLS and implicit TLS, which relays all mail to Postfix;
# rawlog_dir gets what each client wrote after its login.  LMTP, by TCP and a unix socket, delivers to alice, bob, carol
# and full, who has a quota of 1 KiB.

# shellcheck disable=SC2034
dovecot_doors=(starttls submissions lmtp)

# The unix listener anvil-auth-penalty would slow down whoever comes after a wrong password.
dovecot_conf() {
    cat <<E
base_dir = $DIR/dovecot/run
state_dir = $DIR/dovecot/run
log_path = $DIR/dovecot/log
hostname = mail.example.test
login_greeting = $INSTANCE
listen = 127.0.0.1
protocols = lmtp submission
ssl = yes
ssl_cert = <$PKI/server.crt
ssl_key = <$PKI/server.key
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
mail_location = maildir:~/
rawlog_dir = $DIR/dovecot/rawlog
mail_max_userip_connections = 100
first_valid_uid = 1
first_valid_gid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = ${PORT[postfix relay]}
submission_max_mail_size = $MAX_BYTES
passdb {
  driver = passwd-file
  args = $DIR/dovecot/users
}
userdb {
  driver = passwd-file
  args = username_format=%n $DIR/dovecot/mailboxes
}
protocol lmtp {
  mail_plugins = quota
}
plugin {
  quota = maildir:User quota
  quota_status_overquota = "552 5.2.2 Mailbox is full"
}
service lmtp {
  inet_listener lmtp {
    port = ${PORT[dovecot lmtp]}
  }
  unix_listener lmtp {
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service submission {
  service_count = 1000
}
service submission-login {
  service_count = 0
  inet_listener submission {
    port = ${PORT[dovecot starttls]}
  }
  inet_listener submissions {
    port = ${PORT[dovecot submissions]}
    ssl = yes
  }
}
E
}

dovecot_start() {
    local name ids
    ids=$(id -u nobody):$(id -g nobody)
    mkdir -p "$DIR/dovecot/run"
    install -d -o nobody "$DIR/dovecot/mail" "$DIR/dovecot/rawlog"
    echo "$USER_NAME:{PLAIN}$PASSWORD" >"$DIR/dovecot/users"
    for name in alice bob carol full; do
        echo "$name::$ids::$DIR/dovecot/mail/$name::"
    done | sed '/^full:/s/$/userdb_quota_rule=*:bytes=1K/' >"$DIR/dovecot/mailboxes"
    dovecot_conf >"$DIR/dovecot/conf"
    launch dovecot dovecot -F -c "$DIR/dovecot/conf"
}

dovecot_ready() {
    greets "${PORT[dovecot starttls]}" && grep -q Disconnected "$DIR/dovecot/log"
}

dovecot_files() {
    echo "\"log\": \"$DIR/dovecot/log\", \"commands\": \"$DIR/dovecot/rawlog\", \"mail\": \"$DIR/dovecot/mail\"," \
        "\"socket\": \"$DIR/dovecot/run/lmtp\""
}
