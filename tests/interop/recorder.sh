# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by ./servers: the next hop behind the servers that relay, see recorder.py.

# shellcheck disable=SC2034
recorder_doors=(relay)

recorder_start() {
    mkdir -p "$DIR/recorder/mail"
    launch recorder /usr/bin/python3 "$HERE/recorder.py" "$DIR/recorder" "${PORT[recorder relay]}"
}

recorder_ready() { accepts "${PORT[recorder relay]}"; }

recorder_files() { echo "\"mail\": \"$DIR/recorder/mail\""; }
