# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: a server on go-smtp, see gosmtp_server.go: STARTTLS, implicit TLS, a door in the clear with few
# recipients, and LMTP.  It is the one that offers REQUIRETLS.

# shellcheck disable=SC2034
gosmtp_doors=(starttls submissions few lmtp)

gosmtp_start() {
    mkdir -p "$DIR/gosmtp/mail"
    launch gosmtp "$(gosmtp_program)" "$DIR/gosmtp" "$PKI" "$USER_NAME" "$PASSWORD" "$MAX_BYTES" "$MAX_RECIPIENTS" \
        "${PORT[gosmtp starttls]}" "${PORT[gosmtp submissions]}" "${PORT[gosmtp few]}" "${PORT[gosmtp lmtp]}"
}

gosmtp_ready() { accepts "${PORT[gosmtp lmtp]}"; }

gosmtp_files() { echo "\"log\": \"$DIR/gosmtp/out\", \"mail\": \"$DIR/gosmtp/mail\""; }
