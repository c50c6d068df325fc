#!/usr/bin/env python3
"""Checks the arrows between the layers: every #include of lib/ must be one that its layer may use.

usage: check_includes.py LIB_FOLDER        exit status 1 and one line per forbidden include

A shared include root makes the arrows that CMake declares advisory, so they are read from the sources here.
"""
import re
import sys
from pathlib import Path

KOKKOS = r"Kokkos_\w+\.hpp"
MPI = r"mpi\.h"
PETSC = r"petsc\w*\.h"
# Folder: what it may include besides itself. Every folder of lib/ and of lib/core/ stands here, and no file is exempt.
# Inside core a name without a slash is another folder of core.
BASE = {"support", "memory", "kernels"}
MODEL = BASE | {"matrix_functions", "components", "linear", "vector_field"}
CORE = {
    "support": set(),
    "memory": {"support"},
    "kernels": {"support", "memory"},
    "machine": {"support", "kernels"},
    "matrix_functions": BASE,
    "components": BASE | {"matrix_functions"},
    "linear": BASE | {"matrix_functions", "components"},
    "vector_field": MODEL - {"vector_field"},
    "integrators": MODEL | {"data"},
    "data": {"support"},
    "loss": MODEL | {"integrators", "data"},
    "forecast": MODEL | {"integrators", "data"},
    "limit_sets": MODEL | {"integrators", "data", "forecast", "systems"},
    "metrics": {"support", "data"},
    "systems": {"support"},
}
# Layer: (layers that it may include besides itself, third-party headers).
LAYERS = {
    "core": (set(), KOKKOS),
    "parallel": ({"core"}, MPI),
    "io": ({"core", "parallel"}, MPI),
    "petsc": ({"core", "parallel"}, f"{MPI}|{PETSC}"),
    "spectral": ({"core", "parallel", "petsc"}, f"{MPI}|{PETSC}|slepc\\w*\\.h"),
    "reference": ({"core", "parallel", "petsc"}, f"{MPI}|{PETSC}|fftw3\\.h"),
    "training": ({"core", "parallel", "petsc", "spectral"}, f"{MPI}|{PETSC}"),
}
# Headers that only the files of a pattern may include, whatever their layer.
ONLY_IN = {
    r"hdf5\w*\.h|H5\w*\.h": r"io/hdf5(_\w+)?\.cpp|io/hdf5_detail\.hpp",
    r"io/hdf5_detail\.hpp": r"io/hdf5(_\w+)?\.cpp",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# A header of the standard library, <cmath>, or of the C library and POSIX.
STANDARD = re.compile(r"[a-z_]+|(std\w+|signal|unistd|fcntl|glob|sys/\w+|dlfcn|immintrin)\.h")


def problem(path, target):
    """What is wrong with `#include target` in the file `path` (relative to lib), or None."""
    layer = path.parts[0]
    if layer not in LAYERS:
        return f"lib/{layer} is not a layer ({', '.join(LAYERS)})"
    for pattern, files in ONLY_IN.items():
        if re.fullmatch(pattern, target):
            return None if re.fullmatch(files, path.as_posix()) else f"only {files} may include it"
    layers, third_party = LAYERS[layer]
    if STANDARD.fullmatch(target) or re.fullmatch(third_party, target):
        return None
    parts = target.split("/")
    if parts[0] not in LAYERS or len(parts) < 2:
        return f"not a header that {layer} may use"
    if parts[0] != layer:
        return None if parts[0] in layers else f"{layer} may include only {', '.join(sorted(layers | {layer}))}"
    return core_problem(path.parts, parts) if layer == "core" else None


def core_problem(source, target):
    """The arrows between the folders of core."""
    if len(source) < 3:
        return "files stand in the folders of core, not beside them"
    folder = source[1]
    if folder not in CORE:
        return f"core/{folder} is not in the table of {Path(__file__).name}"
    if target[1] in CORE[folder] | {folder}:
        return None
    return f"core/{folder} may include only {', '.join(sorted(CORE[folder] | {folder}))}"


def check(lib):
    """All forbidden includes under `lib`, as lines of text."""
    found = []
    for path in sorted(lib.rglob("*")):
        if path.suffix not in (".hpp", ".cpp"):
            continue
        for match in INCLUDE.finditer(path.read_text(encoding="utf-8")):
            reason = problem(path.relative_to(lib), match.group(2))
            if reason:
                found.append(f"{path.relative_to(lib)}: #include of {match.group(2)}: {reason}")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lines = check(Path(sys.argv[1]))
    print("\n".join(lines) if lines else "All includes of lib keep the arrows between the layers.")
    sys.exit(1 if lines else 0)
