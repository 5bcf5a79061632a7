# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: aiosmtpd with STARTTLS and with implicit TLS, both with AUTH, and as an LMTP server without.

# shellcheck disable=SC2034
aiosmtpd_doors=(starttls submissions lmtp)

aiosmtpd_start() {
    mkdir -p "$DIR/aiosmtpd/mail"
    launch aiosmtpd /usr/bin/python3 "$HERE/aiosmtpd_server.py" "$DIR/aiosmtpd" "$PKI" "$USER_NAME" "$PASSWORD" \
        "$MAX_BYTES" "${PORT[aiosmtpd starttls]}" "${PORT[aiosmtpd submissions]}" "${PORT[aiosmtpd lmtp]}"
}

# All doors are open before the file is written; asking at one of them would be in the log.
aiosmtpd_ready() { [ -e "$DIR/aiosmtpd/ready" ]; }

aiosmtpd_files() { echo "\"log\": \"$DIR/aiosmtpd/out\", \"mail\": \"$DIR/aiosmtpd/mail\""; }
