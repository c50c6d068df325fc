#!/usr/bin/env python3
"""Trains one deck with several time stepping schemes and compares what they learned.

usage: compare_schemes.py DECK [--spnode PROGRAM] [--ranks N] [--schemes etd1 imex_euler ...] [--refine K]
                          [section.key=value ...]

Every scheme trains in OUTPUT/compare/SCHEME, OUTPUT being the deck's `output`, with the deck's data, optimizers and
substeps. Prints a Markdown table and writes OUTPUT/compare/comparison.csv and comparison.png (norm of a state and relative error over time).
With --refine K forecasts are also compared with test data of steps K times shorter, which `spnode generate` makes.
A scheme that breaks down is a line of the table. Exit status 3 where the deck or its data cannot be used.
Needs h5py and matplotlib; Debian's belong to /usr/bin/python3.
"""
import argparse
import csv
import re
import subprocess
import sys
from pathlib import Path

try:
    import numpy as np

    import style
    from files import PlotError, read_forecast, read_metrics, read_table
    from forecast import is_logarithmic
except ImportError as missing:
    sys.exit(f"{missing}; install python3-h5py and python3-matplotlib and use /usr/bin/python3")

SCHEMES = ["etd1", "etdrk2", "etdrk4", "imex_euler", "imex_ssp2", "rk4"]
PROGRAM = Path(__file__).resolve().parents[2] / "build/release/bin/spnode"
# column of the table: (key of a result, its format)
COLUMNS = {"validation loss": ("validation_loss", ".2e"), "relative L2 error": ("relative_l2_error", ".2e"),
           "with half the step": ("step_halving_difference", ".2e"), "on the finer grid": ("finer_error", ".2e"),
           "valid prediction time": ("valid_prediction_time", ".4g"), "spectral abscissa": ("abscissa", ".5g")}


class Comparison:
    """Runs the program on one deck."""

    def __init__(self, options):
        self.options = options
        resolved = self.spnode("check")
        if resolved.returncode != 0:
            raise PlotError(resolved.stderr.strip())
        self.deck = resolved.stdout
        self.folder = Path(self.value("output")) / "compare"

    def value(self, key):
        """The value of a key, `name` or `section.name`, of the resolved deck."""
        section, _, name = key.rpartition(".")
        lines = re.search(rf"^{section}:\n((?:  .*\n)*)", self.deck, re.MULTILINE) if section else None
        found = re.search(rf"^ *{name}: *(\S+)", lines.group(1) if lines else self.deck, re.MULTILINE)
        if not found:
            raise PlotError(f"{self.options.deck}: the resolved deck has no key {key}")
        return found.group(1).strip('"')

    def spnode(self, command, *words):
        launch = ["mpirun", "-n", str(self.options.ranks)] if self.options.ranks > 1 else []
        return subprocess.run([*launch, self.options.spnode, command, self.options.deck, *self.options.words, *words],
                              capture_output=True, text=True, check=False)

    def finer_data(self):
        """Test data on a finer grid: the same initial states, K intervals for one."""
        logarithmic = 1 if self.value("generate.grid") == "logarithmic" else 0  # t = 0 stands apart
        times = (int(self.value("generate.times")) - 1 - logarithmic) * self.options.refine + 1 + logarithmic
        files = {split: self.folder / f"finer_{split}.h5" for split in ("train", "validation", "test")}
        done = self.spnode("generate", "--overwrite", f"generate.times={times}", "generate.train=1",
                           "generate.validation=1", *(f"data.{split}={path}" for split, path in files.items()))
        if done.returncode != 0:
            raise PlotError(f"--refine: {done.stderr.strip()}")
        return files["test"]

    def run(self, scheme, finer):
        """Results by name; only the status where a step failed."""
        run = self.folder / scheme
        words = [f"output={run}", f"integrator.scheme={scheme}", "--overwrite"]
        results = {"scheme": scheme, "status": 0}
        for command in ("train", "evaluate", "spectrum"):
            done = self.spnode(command, *words)
            # 4: a check of the deck is not met, or the bound: the results are there.
            if done.returncode not in (0, 4):
                return {"scheme": scheme, "status": done.returncode, "message": done.stderr.strip()}
            if command == "train":
                loss = re.search(r"best validation loss (\S+)", done.stdout)
                results["validation_loss"] = float(loss.group(1)) if loss else np.nan
        results |= read_metrics(run / "metrics.csv")
        results["abscissa"] = float(np.max(read_table(run / "spectrum.csv")["real"]))
        results["forecast"] = read_forecast(run / "forecast.h5")
        if finer:
            self.spnode("evaluate", f"output={run / 'finer'}", "--overwrite", f"integrator.scheme={scheme}",
                        f"evaluate.model={run / 'model.h5'}", f"evaluate.data={finer}", "evaluate.require_error=0",
                        "evaluate.require_valid_time=0")
            results["finer_error"] = read_metrics(run / "finer/metrics.csv").get("relative_l2_error", np.nan)
        return results


def print_table(results, file):
    columns = {name: column for name, column in COLUMNS.items() if any(column[0] in line for line in results)}
    print("| scheme | " + " | ".join(columns) + " |", file=file)
    print("| --- " * (len(columns) + 1) + "|", file=file)
    for line in results:
        cells = [format(line[key], spec) if key in line else f"status {line['status']}" if line["status"] else "-"
                 for key, spec in columns.values()]
        print(f"| {line['scheme']} | " + " | ".join(cells) + " |", file=file)


def write_csv(results, path):
    keys = ["scheme", "status", *(key for key, _ in COLUMNS.values())]
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, keys, extrasaction="ignore")
        table.writeheader()
        table.writerows(results)


def draw(results, path):
    """A line for each scheme: the norm of the trajectory that grows most, and the median relative error."""
    fig, axes = style.figure(2, height=2.6, sharex=True)
    norms, errors = axes[:, 0]
    forecasts = {line["scheme"]: line["forecast"] for line in results if "forecast" in line}
    for scheme, forecast in forecasts.items():
        elapsed = forecast.time[0] - forecast.time[0, 0]
        truth = np.linalg.norm(forecast.truth, axis=2)
        most = int(np.argmax(truth.max(axis=1) / truth[:, 0]))
        if scheme == next(iter(forecasts)):
            norms.plot(elapsed, truth[most], color=style.GREY, linewidth=4, alpha=0.6, label="truth")
            norms.set_ylim(0, 1.5 * truth[most].max())
        error = np.median(forecast.relative_error(), axis=0)
        norms.plot(elapsed, np.linalg.norm(forecast.state[most], axis=1), marker=".", linewidth=1, label=scheme)
        errors.plot(elapsed, np.where(error > 0, error, np.nan), marker=".", label=scheme)
        if is_logarithmic(elapsed):
            errors.set_xscale("log")
    norms.set_ylabel("$|u|$ where it grows most")
    errors.set_yscale("log")
    errors.set_ylabel("median relative error")
    errors.set_xlabel("time since the initial state")
    for axis in (norms, errors):
        axis.grid(True, which="major")
    norms.legend(ncol=2)
    style.save(fig, path)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("deck", type=Path)
    parser.add_argument("words", nargs="*", help="section.key=value, for every scheme")
    parser.add_argument("--spnode", type=Path, default=PROGRAM, help="the program")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    parser.add_argument("--refine", type=int, default=0, metavar="K")
    comparison = Comparison(parser.parse_intermixed_args(words))
    options = comparison.options
    comparison.folder.mkdir(parents=True, exist_ok=True)
    finer = comparison.finer_data() if options.refine > 1 else None
    results = [comparison.run(scheme, finer) for scheme in options.schemes]
    print_table(results, sys.stdout)
    for line in results:
        if line["status"]:
            print(f"{line['scheme']}: {line['message']}", file=sys.stderr)
    write_csv(results, comparison.folder / "comparison.csv")
    if any("forecast" in line for line in results):
        draw(results, comparison.folder / "comparison.png")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (PlotError, OSError) as problem:
        print(f"compare_schemes.py: {problem}", file=sys.stderr)
        sys.exit(3)
