#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples.py CC BUILD_DIR: compiles the example in the opening comment of each public header, and those of README.md.

A header's example is a fragment: it is wrapped into a function, in one file for each header, and may use the names
below without saying where they come from. A line of three dots stands for whatever comes between. An example of
README.md is a whole program.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]

BEFORE = """#include <postel/postel.h>
#include <stdio.h>

extern const char *from, *const *to, *password;
extern const void *body;
extern size_t size, count;
extern postel_config *config;
extern postel_connection *connection;
extern postel_pool *pool;
extern postel_policy_function policy;
extern postel_audit_function audit;
extern postel_transport transport;
extern void *user_data;
extern postel_envelope *envelope;
extern postel_message *message;
extern const postel_envelope *const *envelopes;
extern const postel_message *const *messages;
extern postel_result *result;
extern postel_error error;
extern postel_status status;
void example(void);

void example(void)
{
"""
AFTER = "(void)status;\n}\n"


def opening_comment(lines):
    """The numbers and texts of the lines of the first comment after the include guard, without its stars."""
    begin = next((i for i, line in enumerate(lines) if line == "/*"), len(lines))
    for number, line in enumerate(lines[begin + 1:], begin + 2):
        if line == " */":
            return
        yield number, line[3:] if line.startswith(" * ") else line[2:]


def at(file, line, code):
    """Code that the compiler believes to be at that line."""
    return f'#line {line} "{file}"\n{code}\n'


def fragment(header):
    """The example as C."""
    code, within = [], False
    for number, line in opening_comment(header.read_text("utf-8").splitlines()):
        if line.startswith("    "):
            within = True
            code.append(at(header, number, line if line.strip() != "..." else ""))
        elif line and within:
            code.append(at(header, number, "#error a line of the example is not indented"))
        else:
            within = False
    return BEFORE + "".join(code or [at(header, 1, "#error there is no example")]) + AFTER


def programs(readme):
    """Each block of C."""
    text = readme.read_text("utf-8") if readme.exists() else ""
    for match in re.finditer(r"^```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield at(readme, text.count("\n", 0, match.start(1)) + 1, match[1])


def examples(folder):
    """The file to generate, and its text."""
    for header in sorted((ROOT / "include/postel").glob("*.h")):
        yield folder / f"{header.stem}.c", fragment(header)
    readme = ROOT / "README.md"
    for number, program in enumerate(list(programs(readme)) or [at(readme, 1, "#error there is no program")], 1):
        yield folder / f"README-{number}.c", program


def compiles(cc, file, text):
    file.write_text(text, "utf-8")
    return subprocess.run([*cc, *WARNINGS, f"-I{ROOT / 'include'}", file], check=False).returncode == 0


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: examples.py CC BUILD_DIR")
    folder = Path(sys.argv[2]) / "tests" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    passed = [compiles([sys.argv[1]], file, text) for file, text in examples(folder)]
    print(f"{passed.count(True)} passed, {passed.count(False)} failed")
    return 0 if passed and all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
