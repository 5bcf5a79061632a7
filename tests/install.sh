#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh BUILD_DIR CC: what is installed is complete, exports what it declares, and can be used: shared by way of
# pkg-config, as a Meson subproject, and static.
set -u
[ $# -eq 2 ] || { echo "usage: install.sh BUILD_DIR CC" >&2; exit 64; }
build=$(cd "$1" && pwd) || exit 1
cc=$2
cd "$(dirname "$0")/.." || exit 1
source=$PWD
scratch=$(mktemp -d "${TMPDIR:-/tmp}/postel-install.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
failed=0 count=0

# check NAME COMMAND: says what the command said only when it fails
check() {
    count=$((count + 1))
    "$2" >"$scratch/log" 2>&1 && return
    failed=$((failed + 1))
    echo "$1:"
    sed 's/^/    /' "$scratch/log"
}

# installed ROOT ARGUMENT...: asks pkg-config for what was installed below a root, which the file itself does not know
installed() {
    root=$1
    shift
    directory=$(dirname "$(find "$root" -name postel.pc)")
    prefix=$(PKG_CONFIG_PATH=$directory pkg-config --variable=prefix postel)
    PKG_CONFIG_PATH=$directory pkg-config "--define-variable=prefix=$root$prefix" "$@" postel
}

# uses PROGRAM OUTPUT FLAG...: compiles and runs a program
uses() {
    output=$1
    shift
    "$cc" -Wall -Wextra -Werror -o "$output" "$scratch/use.c" "$@" &&
        LD_LIBRARY_PATH=$libdir "$output" "$version"
}

cat >"$scratch/use.c" <<'E'
#include <postel/postel.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
        postel_config *config = postel_config_new();
        postel_error error;
        postel_status status;

        if (argc != 2 || strcmp(postel_version(), argv[1]) != 0)
                return printf("the library calls itself %s\n", postel_version());
        postel_config_set_host(config, "a b");
        status = postel_config_check(config, &error);
        postel_config_free(&config);
        if (status != POSTEL_INVALID || strncmp(postel_error_message(&error), "host: ", 6) != 0)
                return printf("status %d, \"%s\"\n", (int)status, postel_error_message(&error));
        return 0;
}
E

installs() {
    meson install -C "$build" --no-rebuild --quiet --skip-subprojects --destdir "$scratch/root"
}

files_are_there() {
    (cd include/postel && printf '%s\n' *.h) >"$scratch/headers"
    (cd "$usr/include/postel" && printf '%s\n' *) >"$scratch/installed-headers"
    if ! diff "$scratch/headers" "$scratch/installed-headers" || ! [ -s "$usr/share/man/man1/postel.1" ]; then
        echo "the files are:"
        find "$scratch/root" -type f
        return 1
    fi
}

command_runs() {
    LD_LIBRARY_PATH=$libdir "$usr/bin/postel" --version
}

shared_is_usable() {
    flags=$(installed "$scratch/root" --cflags --libs) || return
    # shellcheck disable=SC2086
    uses "$scratch/use-shared" $flags
}

# Without comments, every declaration in one line; its name stands before the first parenthesis.
declared() {
    cat include/postel/*.h | tr '\n' ' ' | sed -E 's,/\*([^*]|\*+[^*/])*\*+/,,g' |
        grep -oE 'POSTEL_API [^;(]*\(' | grep -oE 'postel_[a-z_0-9]+\($' | tr -d '(' | sort
}

exports_what_is_declared() {
    declared >"$scratch/declared"
    nm -D --defined-only "$libdir/libpostel.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        sort >"$scratch/exported"
    [ -s "$scratch/declared" ] || { echo "no declaration was found"; return 1; }
    diff "$scratch/declared" "$scratch/exported" ||
        { echo "<: declared with POSTEL_API and not exported; >: exported and not declared"; return 1; }
}

subproject_is_usable() {
    mkdir -p "$scratch/super/subprojects" || return
    cp "$scratch/use.c" "$scratch/super" || return
    ln -s "$source" "$scratch/super/subprojects/postel" || return
    cat >"$scratch/super/meson.build" <<'E'
project('super', 'c')
executable('use', 'use.c', dependencies: dependency('postel'))
E
    CC=$cc meson setup --prefix=/usr --buildtype=plain --default-library=static --force-fallback-for=postel \
        "$scratch/super/build" "$scratch/super" && ninja -j 2 -C "$scratch/super/build" use || return
    if grep -q '"sink"' "$scratch/super/build/meson-info/intro-projectinfo.json"; then
        echo "it brings its tests and what they need into the other project"
        return 1
    fi
    "$scratch/super/build/use" "$version"
}

# What the subproject has built.
static_is_usable() {
    meson install -C "$scratch/super/build" --no-rebuild --quiet --tags devel --destdir "$scratch/static" || return
    flags=$(installed "$scratch/static" --cflags --libs) || return
    # shellcheck disable=SC2086
    uses "$scratch/use-static" $flags || return
    ! readelf -d "$scratch/use-static" | grep libpostel || { echo "it wants the shared object"; return 1; }
}

check "meson install" installs
[ "$failed" -eq 0 ] || exit 1
usr=$(installed "$scratch/root" --variable=prefix)
libdir=$(installed "$scratch/root" --variable=libdir)
version=$(installed "$scratch/root" --modversion)
check "the files" files_are_there
check "the command" command_runs
check "a program with the shared object" shared_is_usable
check "exported symbols" exports_what_is_declared
check "a program with a Meson subproject" subproject_is_usable
check "a program with the static library" static_is_usable
echo "$((count - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
