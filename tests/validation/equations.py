#!/usr/bin/env python3
"""Finds Lorenz's equations in clean and noisy data, with several seeds, and prints how near they come.

usage: equations.py [--seeds 1 2 3] [--trajectories N] [--window W] [--refine] [--spnode PROGRAM] [--folder FOLDER]

For each noise and seed: generates the data of input/lorenz63_sindy.yaml, trains, and compares the coefficients of the
library with those of the equations. The Markdown table on stdout has, for the worst seed, whether the support is exact,
|Xi - exact| / |exact| (the error), the largest relative error of a coefficient, and the valid prediction time on the
exact test trajectories, at most 10. --refine adds lines of a regression that Gauss-Newton steps refine (minutes each).

Exit status 4 where the error misses its goal or the support is another, 3 where a command of the program fails, 77
without h5py. Debian's belongs to /usr/bin/python3.
"""
import argparse
import csv
import subprocess
import sys
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"{missing}; install python3-h5py and use /usr/bin/python3", file=sys.stderr)
    sys.exit(77)

REPOSITORY = Path(__file__).resolve().parents[2]
DECK = REPOSITORY / "input/lorenz63_sindy.yaml"

# 1, x, y, z, x^2, x y, x z, y^2, y z, z^2, ... of degree 3
EXACT = np.zeros((3, 20))
EXACT[0, [1, 2]] = -10, 10
EXACT[1, [1, 2, 6]] = 28, -1, -1
EXACT[2, [3, 5]] = -8 / 3, 1

WEAK = ["model.sparse_regression.derivatives=weak"]
# Forecasts over one time unit.
REFINED = ["training.optimizers=[gauss_newton]", "training.gauss_newton.iterations=4", "training.tile=128", "data.window=1000",
           "data.stride=1000"]
# What is done to data of which noise, and the goal.
ROWS = [
    ("differences", 0, [], 1e-9),
    ("weak form", 0, WEAK, 1e-9),
    ("differences", 1e-3, [], None),
    ("weak form", 1e-3, WEAK, 1e-4),
    ("weak form", 1e-2, WEAK, 1e-3),
    ("weak form", 1e-1, WEAK, 1e-2),
]


def spnode(options, folder, *words):
    done = subprocess.run([options.spnode.resolve(), *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"spnode {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}", file=sys.stderr)
        sys.exit(3)


def measure(options, noise, seed, words):
    """Whether the support is exact, the error, the largest relative one of a coefficient, the valid time."""
    folder = options.folder / f"noise{noise:g}_seed{seed}_trajectories{options.trajectories}"
    folder.mkdir(parents=True, exist_ok=True)
    common = [DECK, f"seed={seed}", f"generate.noise={noise}", f"generate.train={options.trajectories}",
              f"model.sparse_regression.window={options.window}", "--overwrite"]
    if not (folder / "data/lorenz63_sindy/test.h5").exists():
        spnode(options, folder, "generate", *common)
    spnode(options, folder, "train", *common, *words)
    spnode(options, folder, "evaluate", *common, *words)
    with h5py.File(folder / "runs/lorenz63_sindy/model.h5") as file:
        Xi = file["nonlinear/library/Xi"][...] * file["nonlinear/library/support"][...]
    with (folder / "runs/lorenz63_sindy/metrics.csv").open(newline="", encoding="utf-8") as stream:
        valid = [float(row["value"]) for row in csv.DictReader(stream) if row["metric"] == "valid_prediction_time"]
    support = EXACT != 0
    return (np.array_equal(Xi != 0, support), np.linalg.norm(Xi - EXACT) / np.linalg.norm(EXACT),
            np.abs(Xi / np.where(support, EXACT, 1) - 1)[support].max(), valid[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--trajectories", type=int, default=40, metavar="N", help="that the equations are found in (default: 40)")
    parser.add_argument("--window", type=int, default=200, metavar="W", help="intervals of the weak form (default: 200)")
    parser.add_argument("--spnode", type=Path, default=REPOSITORY / "build/release/bin/spnode")
    parser.add_argument("--folder", type=Path, default=Path("runs/equations"))
    parser.add_argument("--refine", action="store_true", help="with Gauss-Newton steps, too")
    options = parser.parse_args()
    refined = [(f"{name}, Gauss-Newton", noise, words + REFINED, None) for name, noise, words, _ in ROWS if noise > 0 and words]
    print("| noise | start | goal | support exact | error | largest relative error | valid prediction time |\n" + "| --- " * 7 + "|")
    kept = True
    for name, noise, words, goal in ROWS + refined * options.refine:
        found = [measure(options, noise, seed, words) for seed in options.seeds]
        exact, error = all(f[0] for f in found), max(f[1] for f in found)
        kept = kept and (goal is None or (exact and error < goal))
        print(f"| {noise:g} | {name} | {'-' if goal is None else f'below {goal:g}'} | {'yes' if exact else '**no**'} | {error:.2g} | "
              f"{max(f[2] for f in found):.2g} | {min(f[3] for f in found):.3g} |", flush=True)
    return 0 if kept else 4


if __name__ == "__main__":
    sys.exit(main())
