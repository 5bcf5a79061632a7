# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: Dovecot's submission service, STARTTLS and implicit TLS, which relays all mail to Postfix;
# rawlog_dir gets what each client wrote after its login.

# The unix listener anvil-auth-penalty would slow down whoever comes after a wrong password.
dovecot_conf() {        # dovecot_conf RELAY STARTTLS SUBMISSIONS
    cat <<E
base_dir = $DIR/dovecot/run
state_dir = $DIR/dovecot/run
log_path = $DIR/dovecot/log
hostname = mail.example.test
login_greeting = $INSTANCE
listen = 127.0.0.1
protocols = submission
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
submission_relay_port = $1
submission_max_mail_size = 4M
passdb {
  driver = passwd-file
  args = $DIR/dovecot/users
}
userdb {
  driver = static
  args = uid=$(id -u nobody) gid=$(id -g nobody) home=$DIR/dovecot/home
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
    port = $2
  }
  inet_listener submissions {
    port = $3
    ssl = yes
  }
}
E
}

dovecot_start() {       # dovecot_start RELAY STARTTLS SUBMISSIONS
    mkdir -p "$DIR/dovecot/run"
    install -d -o nobody "$DIR/dovecot/home" "$DIR/dovecot/rawlog"
    echo "$USER_NAME:{PLAIN}$PASSWORD" >"$DIR/dovecot/users"
    dovecot_conf "$@" >"$DIR/dovecot/conf"
    launch dovecot dovecot -F -c "$DIR/dovecot/conf"
}
