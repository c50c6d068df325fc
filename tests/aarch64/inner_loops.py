#!/usr/bin/env python3
"""The innermost loops with fused multiply-adds in an object file for 64-bit Arm, and whether they use the stack.

A register tile that does not fit in the registers shows here as vector registers that are stored to and loaded
from the stack between multiply-adds: the exit status is then 1.

  tests/aarch64/inner_loops.py build/aarch64/neon/lib/CMakeFiles/spnode_core.dir/core/kernels/gemm.cpp.o
"""

import collections
import re
import subprocess
import sys

FMA = re.compile(r"fn?m(la|ls|ad|sb|add|sub)\b")
LOAD = re.compile(r"ld")
STORE = re.compile(r"st")
SPILL = re.compile(r"(ld|st)\w*\s+\{?[zqvds]\d.*\[sp\b")
BRANCH = re.compile(r"(?:b|b\.\w+|cbn?z|tbn?z)\s(?:.*\s)?([0-9a-f]+) <")


def instructions(path):
    """Lists of (address, text), one for each function."""
    listing = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", path],
                             check=True, capture_output=True, text=True).stdout
    for block in listing.split("\n\n"):
        function = re.findall(r"^\s*([0-9a-f]+):\t(.*)$", block, re.MULTILINE)
        yield [(int(address, 16), text) for address, text in function]


def innermost_loops(function):
    """The bodies of loops that hold no other loop: what a backward branch spans."""
    spans = set()
    for address, text in function:
        branch = BRANCH.match(text)
        if branch and int(branch[1], 16) <= address:
            spans.add((int(branch[1], 16), address))
    for first, last in spans:
        if not any(first <= a and b <= last and (a, b) != (first, last) for a, b in spans):
            yield [text for address, text in function if first <= address <= last]


def main():
    found = collections.Counter()
    for path in sys.argv[1:]:
        for function in instructions(path):
            for body in innermost_loops(function):
                counts = [sum(bool(kind.match(text)) for text in body) for kind in (FMA, LOAD, STORE, SPILL)]
                if counts[0] > 1:
                    found[tuple(counts)] += 1
    print("loops  multiply-adds  loads  stores  vectors to or from the stack")
    for (fma, loads, stores, spills), loops in sorted(found.items(), reverse=True):
        print(f"{loops:5}  {fma:13}  {loads:5}  {stores:6}  {spills:28}")
    return any(spills for _, _, _, spills in found)


if __name__ == "__main__":
    sys.exit(main())
