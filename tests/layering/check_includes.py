#!/usr/bin/env python3
"""Checks the arrows between the layers: every #include of lib/ must be one that its layer may use.

usage: check_includes.py LIB_FOLDER        exit status 1 and one line per forbidden include

A shared include root makes the arrows that CMake declares advisory, so they are read from the sources here.
"""
import re
import sys
from pathlib import Path

# layer: (layers it may include, third-party headers it may include)
KOKKOS = r"Kokkos_\w+\.hpp|KokkosBlas\w*\.hpp"
MPI = r"mpi\.h"
PETSC = r"petsc\w*\.h"
LAYERS = {
    "core": ({"core"}, KOKKOS),
    "parallel": ({"core", "parallel"}, MPI),
    "io": ({"core", "parallel", "io"}, MPI),
    "distributed": ({"core", "parallel", "distributed"}, f"{MPI}|{PETSC}|fftw3\\.h"),
    "spectral": ({"core", "parallel", "distributed", "spectral"}, f"{MPI}|{PETSC}|slepc\\w*\\.h"),
}
# Headers that only the files of a pattern may include, whatever their layer.
ONLY_IN = {
    r"hdf5\w*\.h|H5\w*\.h": r"io/hdf5(_\w+)?\.cpp|io/hdf5_detail\.hpp",
    r"io/hdf5_detail\.hpp": r"io/hdf5(_\w+)?\.cpp",
}

# Inside core: kernels at the bottom; a model component and an integrator never see each other.
CORE_FOLDERS = {
    "kernels": {"kernels"},
    "data": {"data"},
    "metrics": {"metrics", "data"},
    "functions": {"functions", "kernels"},
    "model": {"model", "kernels", "functions"},
    "integrators": {"integrators", "kernels", "functions", "data"},
    "loss": {"loss", "kernels", "data"},
    "systems": {"systems", "kernels"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# A header of the standard library, <cmath>, or of the C library and POSIX.
STANDARD = re.compile(r"[a-z_]+|(std\w+|signal|unistd|fcntl|sys/\w+|dlfcn|immintrin)\.h")


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
    if parts[0] not in layers:
        return f"{layer} may include only {', '.join(sorted(layers))}"
    return core_problem(path.parts, parts) if layer == "core" else None


def core_problem(source, target):
    """The arrows between the folders of core; files directly in core are free."""
    if len(source) < 3 or len(target) < 3 or target[-1] == "options.hpp":
        return None
    allowed = CORE_FOLDERS.get(source[1])
    if allowed is None:
        return f"core/{source[1]} is not in the table of {Path(__file__).name}"
    return None if target[1] in allowed else f"core/{source[1]} may include only {', '.join(sorted(allowed))}"


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
