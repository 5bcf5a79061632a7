# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: chasquid, with STARTTLS and with implicit TLS, both with AUTH PLAIN.  Mail to alice, bob, carol
# and jürgen is kept, one file a recipient, with the address in front; other users there are none.

# shellcheck disable=SC2034
chasquid_doors=(starttls submissions)

chasquid_conf() {
    cat <<E
hostname: "$INSTANCE"
max_data_size_mb: $((MAX_BYTES / 1048576))
submission_address: "127.0.0.1:${PORT[chasquid starttls]}"
submission_over_tls_address: "127.0.0.1:${PORT[chasquid submissions]}"
mail_delivery_agent_bin: "$C/deliver"
mail_delivery_agent_args: "%to%"
data_dir: "$C/data"
mail_log_path: "$C/mail.log"
E
}

chasquid_start() {
    local name
    C=$DIR/chasquid
    unpack "$C/root" chasquid
    mkdir -p "$C/etc/domains/example.test" "$C/etc/certs/mail.example.test" "$C/data" "$C/mail"
    cp "$PKI/server.crt" "$C/etc/certs/mail.example.test/fullchain.pem"
    cp "$PKI/server.key" "$C/etc/certs/mail.example.test/privkey.pem"
    cat >"$C/deliver" <<E
#!/bin/sh
t=\$(mktemp $C/mail/.XXXXXXXX) && { echo "Delivered-To: \$1"; cat; } >"\$t" && mv "\$t" "$C/mail/\${t##*.}"
E
    chmod 755 "$C/deliver"
    chasquid_conf >"$C/etc/chasquid.conf"
    for name in "$USER_NAME" bob carol jürgen; do
        "$C/root/usr/bin/chasquid-util" -C="$C/etc" user-add "$name@example.test" --password="$PASSWORD"
    done
    chown -R nobody "$C"/{etc,data,mail}
    touch "$C/log" "$C/mail.log"
    chown nobody "$C/log" "$C/mail.log"
    launch chasquid setpriv --reuid=nobody --regid=nogroup --clear-groups "$C/root/usr/bin/chasquid" \
        --config_dir="$C/etc" --logtime --logfile="$C/log"
}

chasquid_ready() { greets "${PORT[chasquid starttls]}"; }

chasquid_files() {
    echo "\"log\": \"$DIR/chasquid/log\", \"mail\": \"$DIR/chasquid/mail\", \"queue\": \"$DIR/chasquid/data/queue\""
}
