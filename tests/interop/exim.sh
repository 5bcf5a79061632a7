# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: Exim, with STARTTLS and with implicit TLS, both with AUTH, and in the clear without.
# Mail to relay.example.test goes on to the recorder; all other is kept, one file a recipient.

# shellcheck disable=SC2034
exim_doors=(starttls submissions clear)

exim_main() {
    local clear=${PORT[exim clear]}
    cat <<E
exim_path = $DIR/exim/root/usr/sbin/exim4
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege
primary_hostname = mail.example.test
smtp_banner = mail.example.test ESMTP $INSTANCE
spool_directory = $DIR/exim/spool
log_file_path = $DIR/exim/%slog
log_selector = +smtp_no_mail
pid_file_path = $DIR/exim/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${PORT[exim starttls]} : ${PORT[exim submissions]} : $clear
tls_on_connect_ports = ${PORT[exim submissions]}
tls_advertise_hosts = \${if eq{\$received_port}{$clear}{}{*}}
tls_certificate = $PKI/server.crt
tls_privatekey = $DIR/exim/server.key
auth_advertise_hosts = \${if def:tls_cipher{*}}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
prdr_enable
keep_environment =
rfc1413_query_timeout = 0s
smtp_accept_queue_per_connection = 0
never_users =
message_size_limit = $MAX_BYTES
recipients_max = $MAX_RECIPIENTS
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
acl_smtp_data_prdr = acl_prdr
begin acl
acl_mail:
  deny    condition = \${if and{{!eq{\$received_port}{$clear}}{!def:authenticated_id}}}
          message = 5.7.0 Authentication required
  deny    senders = ^reject@
          message = 5.7.1 Sender rejected
  defer   senders = ^later@
          message = 451 4.7.1 Try later
  accept
acl_rcpt:
  deny    local_parts = nobody
          message = 5.1.1 No such user here
  defer   local_parts = grey
          message = 450 4.7.1 Greylisted, try again later
  defer   local_parts = full
          message = 452 4.2.2 Mailbox full
  deny    local_parts = huge
          message = 552 5.2.2 Quota exceeded
  accept
acl_data:
  deny    condition = \${if match{\$h_subject:}{^REJECT}}
          message = 5.7.1 Content rejected
  defer   condition = \${if match{\$h_subject:}{^LATER}}
          message = 4.7.1 Content deferred
  accept
acl_prdr:
  deny    local_parts = prdrno
          message = 5.7.1 Refused for this recipient
  accept
E
}

exim_login() {  # exim_login N M: the condition that the name is in $authN, the password in $authM
    echo "\${if and{{eq{\$auth$1}{$USER_NAME}}{eq{\$auth$2}{\${readfile{$DIR/password}{}}}}}}"
}

exim_delivery() {
    cat <<E
begin routers
relay:
  driver = manualroute
  domains = relay.example.test
  route_list = * 127.0.0.1
  self = send
  transport = recorder
all:
  driver = accept
  transport = file
begin transports
recorder:
  driver = smtp
  port = ${PORT[recorder relay]}
  hosts_try_fastopen =
file:
  driver = appendfile
  maildir_format
  directory = $DIR/exim/mail
  batch_max = 1
  user = Debian-exim
  group = Debian-exim
  return_path_add
  envelope_to_add
begin retry
* * F,1h,5m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = $(exim_login 2 3)
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = $(exim_login 1 2)
  server_set_id = \$auth1
E
}

exim_start() {
    unpack "$DIR/exim/root" exim4-daemon-light
    install -d -o Debian-exim "$DIR/exim/spool"
    install -d -o Debian-exim "$DIR/exim/mail"
    install -o Debian-exim -m 600 "$PKI/server.key" "$DIR/exim/server.key"
    touch "$DIR/exim/mainlog"
    chown Debian-exim "$DIR/exim" "$DIR/exim/mainlog"
    { exim_main; exim_delivery; } >"$DIR/exim/conf"
    launch exim "$DIR/exim/root/usr/sbin/exim4" -C "$DIR/exim/conf" -bdf -q1m
}

exim_ready() { greets "${PORT[exim clear]}"; }

exim_files() {
    echo "\"log\": \"$DIR/exim/mainlog\", \"mail\": \"$DIR/exim/mail/new\", \"queue\": \"$DIR/exim/spool/input\""
}
