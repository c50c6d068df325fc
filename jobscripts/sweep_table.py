#!/usr/bin/env python3
"""Prints what the models of array_sweep.sh reach, a line for each value of the key, and which value wins.

usage: sweep_table.py RUN KEY [--by METRIC] [--most]

RUN has a folder KEY=VALUE for each value. The Markdown table on stdout has the lowest validation loss of the training and the
means of metrics.csv, where `spnode evaluate` has written it. The winner is the model with the lowest METRIC among those of
which the fewest forecasts diverged; --most: the highest. Without --by the validation loss decides. It cannot judge weights
of the loss, which change it: evaluate their models on long validation trajectories (evaluate.data) and give --by.

Exit status 2 where there is no finished model to compare, or one lacks METRIC.
"""
import argparse
import csv
import math
import sys
from pathlib import Path

LOSS = "validation_loss"
USUAL = "diverged", "relative_l2_error", "valid_prediction_time", "jacobian_error"  # shown where there are any


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def measured(run):
    """The lowest validation loss, or where there is none the lowest loss, and the metrics that are no series in time."""
    history = list(rows(run / "history.csv"))
    losses = {name: [float(row[name]) for row in history if math.isfinite(float(row.get(name) or math.nan))]
              for name in (LOSS, "loss")}
    found = {LOSS: min(losses[LOSS] or losses["loss"], default=math.inf)}
    metrics = run / "metrics.csv"
    if metrics.exists():
        found |= {row["metric"]: float(row["value"]) for row in rows(metrics) if not row["time"]}
    return found


def order(value):
    """Numbers by size, before words."""
    try:
        return (0, float(value), value)
    except ValueError:
        return (1, 0.0, value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("key", metavar="KEY")
    parser.add_argument("--by", default=LOSS, metavar="METRIC")
    parser.add_argument("--most", action="store_true", help="the highest METRIC wins")
    options = parser.parse_args()
    prefix = f"{options.key}="
    folders = {path.name[len(prefix):]: path for path in options.run.glob("*") if path.name.startswith(prefix)}
    found = {value: measured(folders[value]) for value in sorted(folders, key=order)
             if (folders[value] / "model.h5").exists() and (folders[value] / "history.csv").exists()}
    if not found:
        parser.error(f"{options.run} has no trained model {prefix}VALUE")
    lacking = [value for value, metrics in found.items() if math.isnan(metrics.get(options.by, math.nan))]
    if lacking:
        known = ", ".join(sorted(set.union(*(set(metrics) for metrics in found.values()))))
        parser.error(f"{prefix}{lacking[0]} has no {options.by}; there are {known}")
    usual = [name for name in USUAL if any(name in metrics for metrics in found.values())]
    shown = list(dict.fromkeys([LOSS, options.by, *usual]))
    print(f"| {options.key} | " + " | ".join(shown) + " |\n" + "| --- " * (len(shown) + 1) + "|")
    for value, metrics in found.items():
        print(f"| {value} | " + " | ".join(f"{metrics[name]:.4g}" if name in metrics else "-" for name in shown) + " |")
    sign = -1 if options.most else 1
    best = min(found, key=lambda value: (found[value].get("diverged", 0), sign * found[value][options.by]))
    print(f"\n{prefix}{best} wins by {options.by}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
