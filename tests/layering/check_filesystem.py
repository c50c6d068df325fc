#!/usr/bin/env python3
"""Checks that nothing asks std::filesystem in the way that throws: its errors name no file of ours and no status.

usage: check_filesystem.py FOLDER...        exit status 1 and one line per call

Calls take a std::error_code as their last argument; directory_iterator is no range, whose steps throw.
"""
import re
import sys
from pathlib import Path

# function: its arguments without the error code
ONE, TWO = 1, 2
ARGUMENTS = {**dict.fromkeys(("exists is_directory is_regular_file is_symlink is_empty is_other is_fifo status symlink_status remove "
                              "remove_all create_directory create_directories file_size hard_link_count last_write_time "
                              "read_symlink canonical weakly_canonical absolute space directory_iterator "
                              "recursive_directory_iterator").split(), ONE),
             **dict.fromkeys("rename resize_file copy copy_file equivalent create_symlink create_hard_link permissions".split(),
                             TWO)}
CALL = re.compile(r"\b(?:filesystem|fs)::(" + "|".join(ARGUMENTS) + r")\b(?:\s+\w+)?\(")
RANGE = re.compile(r"for \([^;()]*:\s*(?:std::filesystem|fs)::(?:recursive_)?directory_iterator")


def arguments(text, begin):
    """How many arguments the call has whose opening bracket ends at `begin`."""
    depth, count = 1, 1
    for position in range(begin, len(text)):
        depth += text[position] in "([{"
        depth -= text[position] in ")]}"
        if depth == 0:
            return 0 if text[begin:position].isspace() or position == begin else count
        count += text[position] == "," and depth == 1
    return count


def problems(text):
    """The calls in `text` that can throw, with their lines."""
    found = [(match.start(), match.group(1)) for match in CALL.finditer(text)
             if 0 < arguments(text, match.end()) <= ARGUMENTS[match.group(1)]]
    found += [(match.start(), "a range of directory_iterator") for match in RANGE.finditer(text)]
    return [(text.count("\n", 0, place) + 1, name) for place, name in sorted(found)]


def check(folders):
    lines = []
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                lines += [f"{path}:{line}: {name} can throw; give it a std::error_code"
                          for line, name in problems(path.read_text(encoding="utf-8"))]
    return lines


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    refused = check(sys.argv[1:])
    print("\n".join(refused) if refused else "Every call of std::filesystem takes an error code.")
    sys.exit(1 if refused else 0)
