#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layers.py [ROOT]: holds the walls between the layers.

Every #include of every C file is followed to the file it names, and through the project's own headers, so that what is
forbidden cannot come in by a detour. Each breach is printed as `file:line: rule`.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

SOCKETS = "sys/socket.h sys/un.h netinet/ netdb.h poll.h sys/epoll.h sys/select.h"
IO = SOCKETS + " unistd.h fcntl.h sys/stat.h sys/uio.h"
THREADS = "pthread.h threads.h"
TIME = "time.h sys/time.h sys/timerfd.h"


class Layer(NamedTuple):
    folder: str
    may_include: str  # folders of the project besides its own
    forbidden: str = ""  # of the system, also by way of other headers; "x/" stands for all below it


# A file belongs to the first layer whose folder holds it.
LAYERS = [
    Layer("include/postel", "", IO + " " + THREADS + " " + TIME + " stdio.h"),
    Layer("lib/base", "include/postel", SOCKETS),
    Layer("lib/wire", "include/postel lib/base", IO + " " + THREADS + " " + TIME),
    Layer("lib/sasl", "include/postel lib/base lib/wire", SOCKETS),
    Layer("lib/net", "include/postel lib/base"),
    Layer("lib/smtp", "include/postel lib/base lib/wire lib/sasl lib/net", THREADS),
    Layer("lib", "include/postel lib/base lib/wire lib/sasl lib/net lib/smtp"),
    Layer("tools", "include/postel"),
    Layer("tests", "include/postel lib/base lib/wire lib/sasl lib/net lib/smtp lib tools"),
    Layer("subprojects/sink", ""),
    Layer("subprojects", "include/postel"),
]

# Headers of libraries that only one layer may know; tests and the sink choose for themselves.
SOLE_USERS = {"gnutls/": "lib/net", "ares.h": "lib/net", "gsasl.h": "lib/sasl", "gsasl-": "lib/sasl",
              "idn2.h": "lib/wire"}
FREE = ("tests", "subprojects")

# Walls within a layer: files that must not reach a header, not even by way of others. What a transaction is made of
# knows neither the session that it is for nor the pipeline that runs it.
PARTS = [f"lib/smtp/{name}.{ending}" for ending in "ch" for name in (
    "channel", "delivery", "exchange", "outcome", "output", "source", "transaction")]
INNER_WALLS = {
    "lib/smtp/session.h": PARTS,
    "lib/smtp/plan.h": PARTS,
    "lib/smtp/pipeline.h": [*PARTS, "lib/smtp/plan.h", "lib/smtp/plan.c"],
}

TOP_LEVEL = {"meson.build", "meson_options.txt", "include", "lib", "tools", "tests", "subprojects", "README.md",
             "LICENSE"}
TOP_LEVEL_IGNORED = {"build"}  # only while .gitignore names it

SEARCH = ["include", "lib", "tests", "tools"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    """The layer of a path from the root."""
    if path.startswith("lib/") and path.count("/") > 1:  # else a new folder there would be of the layer "lib"
        return next((layer for layer in LAYERS if path.startswith(layer.folder + "/") and layer.folder != "lib"), None)
    return next((layer for layer in LAYERS if path.startswith(layer.folder + "/")), None)


def named_by(words, header):
    return any(header.startswith(word) if word.endswith(("/", "-")) else header == word for word in words)


class Tree:
    def __init__(self, root):
        self.root = root
        self.breaches = set()
        self.includes_of = {}  # path: [(line, name, path within the project or None)]
        for folder in ("include", "lib", "tools", "tests", "subprojects"):
            for file in sorted((root / folder).rglob("*.[ch]")):
                path = file.relative_to(root).as_posix()
                self.includes_of[path] = list(self.read(path, file))

    def read(self, path, file):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[2], self.find(path, match[1], match[2])

    def find(self, path, bracket, name):
        """The file of the project that an #include in `path` means."""
        folders = ["include"] if bracket == "<" else [Path(path).parent, *SEARCH]
        for folder in folders:
            file = (self.root / folder / name).resolve()
            if file.is_file() and file.is_relative_to(self.root):
                return file.relative_to(self.root).as_posix()
        return None

    def system_headers(self, path, seen):
        """(line of `path`, header, the project's header that brings it or None) for all that it reaches."""
        seen.add(path)
        for line, name, target in self.includes_of.get(path, ()):
            if target is None:
                yield line, name, None
            elif target not in seen:
                for _, header, via in self.system_headers(target, seen):
                    yield line, header, via or target

    def own_headers(self, path, seen):
        """(line of `path`, header of the project) for all that it reaches."""
        seen.add(path)
        for line, _, target in self.includes_of.get(path, ()):
            if target and target not in seen:
                yield line, target
                for _, header in self.own_headers(target, seen):
                    yield line, header

    def breach(self, path, line, rule):
        self.breaches.add((path, line, rule))

    def check_own(self, path, layer):
        allowed = {layer.folder, *layer.may_include.split()}
        for line, _, target in self.includes_of[path]:
            other = layer_of(target) if target else layer
            if other is None or other.folder not in allowed:
                self.breach(path, line, f"{layer.folder} may not include {target}")

    def check_system(self, path, layer):
        forbidden = layer.forbidden.split()
        for line, header, via in self.system_headers(path, set()):
            if named_by(forbidden, header):
                way = f" (by way of {via})" if via else ""
                self.breach(path, line, f"{layer.folder} may not know <{header}>{way}")
            if via or layer.folder.startswith(FREE):
                continue
            for word, user in SOLE_USERS.items():
                if named_by([word], header) and layer.folder != user:
                    self.breach(path, line, f"only {user} includes <{header}>")

    def check_inner_walls(self):
        for header, files in INNER_WALLS.items():
            for path in files:
                if path not in self.includes_of:
                    self.breach(path, 1, "is not there, and has a wall")
                for line, reached in self.own_headers(path, set()):
                    if reached == header:
                        self.breach(path, line, f"may not know {header}")

    def check_top_level(self):
        ignore = self.root / ".gitignore"
        ignored = ignore.read_text("utf-8").split() if ignore.is_file() else []
        allowed = TOP_LEVEL | {name for name in TOP_LEVEL_IGNORED if f"/{name}/" in ignored}
        for entry in self.root.iterdir():
            if not entry.name.startswith(".") and entry.name not in allowed:
                self.breach(entry.name, 1, "does not belong to the top level")

    def check(self):
        for path in self.includes_of:
            layer = layer_of(path)
            if layer is None:
                self.breach(path, 1, "belongs to no layer")
                continue
            self.check_own(path, layer)
            self.check_system(path, layer)
        self.check_inner_walls()
        self.check_top_level()
        return sorted(self.breaches)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    tree = Tree(root)
    breaches = tree.check()
    for path, line, rule in breaches:
        print(f"{path}:{line}: {rule}")
    if not tree.includes_of:
        print(f"{root}: no C file")
    return 1 if breaches or not tree.includes_of else 0


if __name__ == "__main__":
    sys.exit(main())
