#!/usr/bin/env python3
"""Trains every system of the papers with several seeds and prints what was reached beside what should be.

usage: reproduce.py [SYSTEM ...] [--seeds 1 2 3] [--ranks N] [--spnode PROGRAM] [--folder FOLDER] [--again] [--figures FOLDER]

SYSTEM is a deck of input/ or a variant of one, all by default. The data are generated once for each deck, with the
deck's own seed; the key `seed` of a run then sets the initial parameters and the order of the batches. Test data are
seen by `evaluate` alone. Everything goes to FOLDER: data/, finer/ (the same test states on a finer time grid) and
runs/SYSTEM/seedN/. Data and runs that are there are kept, --again makes them anew. The Markdown table on stdout has the
mean over the seeds, with the lowest and the highest: with the steps of the training, with half of them, and on the
finer grid. With --figures, systems that have a figure (FSNN) write it for the first seed; that needs matplotlib, too.

Exit status 4 where a goal is missed, 3 where a command of the program fails, 77 without h5py or yaml.
Needs h5py and yaml; Debian's belong to /usr/bin/python3.
"""
import argparse
import fcntl
import sys
from pathlib import Path

from study import FINE, HALF, REPOSITORY, Failure, Study  # ends where a package is missing

import numpy as np

from papers import fsnn, jacreg, lecture, spnode

SYSTEMS = spnode.SYSTEMS | jacreg.SYSTEMS | lecture.SYSTEMS | fsnn.SYSTEMS


def cell(results, name):
    values = np.array([result[name] for result in results if name in result])
    if not len(values):
        return "-"
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return f"{values.mean():.3g}" + (f" ({low} .. {high})" if low != high else "")


def lines(name, results):
    """The lines of a system, and whether all goals are kept."""
    kept = True
    for goal in SYSTEMS[name].goals:
        passed = "-"
        if goal.limit is not None:
            means = {prefix: np.mean([result[prefix + goal.metric] for result in results]) for prefix in goal.judged}
            good = all(goal.kept(prefix, mean) for prefix, mean in means.items())
            passed, kept = "yes" if good else "**no**", kept and good
        cells = [cell(results, prefix + goal.metric) for prefix in ("", HALF, FINE)]
        training = f"{np.mean([result['training'] for result in results]):.3g} s"
        print(f"| {name}: {goal.metric} | {goal.paper or '-'} | {goal.text()} | " + " | ".join(cells) +
              f" | {training} | {passed} |", flush=True)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=", ".join(SYSTEMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--spnode", type=Path, default=REPOSITORY / "build/release/bin/spnode")
    parser.add_argument("--folder", type=Path, default=Path("runs/reproduce"))
    parser.add_argument("--figures", type=Path, help="folder for SYSTEM.png")
    parser.add_argument("--again", action="store_true", help="keep neither data nor runs that are there")
    options = parser.parse_intermixed_args()
    unknown = [name for name in options.systems if name not in SYSTEMS]
    if unknown:
        parser.error(f"no system {unknown[0]}; there are {', '.join(SYSTEMS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    lock = (options.folder / "lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        parser.error(f"another reproduce.py works in {options.folder}; give --folder")
    print("| system: metric | paper | goal | mean over the seeds (lowest .. highest) | half the step | finer grid | "
          "training, CPU time | passed |\n" + "| --- " * 8 + "|")
    kept = True
    for name in options.systems or SYSTEMS:
        study = Study(name, SYSTEMS[name], options)
        study.generate()
        kept = lines(name, [study.run(seed) for seed in options.seeds]) and kept
        if options.figures and study.system.figure:
            study.system.figure(study, study.run_of(options.seeds[0]), options.figures.resolve() / f"{name}.png")
    return 0 if kept else 4


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"reproduce.py: {failure}", file=sys.stderr)
        sys.exit(3)
