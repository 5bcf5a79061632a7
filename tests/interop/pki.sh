# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: two authorities, ca and otherca, and the servers' certificate for localhost by ca.

certificate_key() {     # certificate_key NAME
    certtool --generate-privkey --key-type=ecdsa --curve=secp256r1 --outfile "$PKI/$1.key"
}

authority() {   # authority NAME
    certificate_key "$1"
    printf 'cn = "postel interop %s"\nca\ncert_signing_key\nexpiration_days = 30\n' "$1" >"$PKI/$1.template"
    certtool --generate-self-signed --load-privkey "$PKI/$1.key" --template "$PKI/$1.template" --outfile "$PKI/$1.crt"
}

server_certificate() {
    certificate_key server
    printf '%s\n' 'cn = "localhost"' 'dns_name = "localhost"' tls_www_server signing_key 'expiration_days = 30' \
        >"$PKI/server.template"
    certtool --generate-certificate --load-privkey "$PKI/server.key" --load-ca-certificate "$PKI/ca.crt" \
        --load-ca-privkey "$PKI/ca.key" --template "$PKI/server.template" --outfile "$PKI/server.crt"
}

make_pki() {
    mkdir -p "$PKI"
    { authority otherca && authority ca && server_certificate; } >"$PKI/log" 2>&1 ||
        { cat "$PKI/log" >&2; die "certtool failed"; }
}
