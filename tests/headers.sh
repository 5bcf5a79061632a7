#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh CC CXX: every header compiles alone and twice, the public ones as plain C and as C++ too.
set -u
[ $# -eq 2 ] || { echo "usage: headers.sh CC CXX" >&2; exit 64; }
cc=$1 cxx=$2
cd "$(dirname "$0")/.." || exit 1
failed=0 count=0

# compiles NAME COMPILER...: NAME as in an #include, with its brackets or quotes
compiles() {
    name=$1
    shift
    count=$((count + 1))
    "$@" -Wall -Wextra -Wpedantic -Werror -Iinclude -Ilib -fsyntax-only - <<E || failed=$((failed + 1))
#include $name
#include $name
E
}

for header in include/postel/*.h; do
    compiles "<${header#include/}>" "$cc" -x c -std=c99
    compiles "<${header#include/}>" "$cxx" -x c++ -std=c++11
done
for header in lib/*.h lib/*/*.h; do
    [ ! -e "$header" ] || compiles "\"${header#lib/}\"" "$cc" -x c -std=gnu11 -D_GNU_SOURCE
done
echo "$((count - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
