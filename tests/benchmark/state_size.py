"""What a training on a POD costs against the size of the state, in Markdown: Gray-Scott fields, 40 modes, a bilinear form.

    /usr/bin/python3 tests/benchmark/state_size.py [POINTS ...] [--spnode BUILD/bin/spnode] [--ranks 2] [--folder FOLDER]

A field of POINTS x POINTS has 2 POINTS^2 components; the first row is one variable on 8 x 8 points, 64 components. FOLDER keeps the
data (gray_scott.py; those of 512 points are 4 GB and take minutes to be made). "Step" is the least time of an epoch after the first
over its steps, "before" what comes before the first step: reading, scaling, POD, projection, start. "Memory" is the largest resident
set of a rank.
"""

import argparse
import csv
import math
import pathlib
import statistics
import subprocess
import sys
import time

import measure

HERE = pathlib.Path(__file__).resolve().parent
DECK = """
output: run
data: {train: DATA, validation_fraction: 0.1, state: /tensor, time: /t-coordinate, window: 2}
model:
  latent_dimension: 40
  autoencoder: {enabled: true}
  linear: {mu: 0.01}
  bilinear: {rank: 20}
  scaling: {kind: global}
integrator: {scheme: etdrk4, substeps: 2}
training: {batch: 32, tile: 8, optimizers: [adam], validate_every: 100, spectrum_every: 0, adam: {epochs: 40, rate: 1.0e-5}}
"""
STEPS = math.ceil(18 * 49 / 32)  # 18 of 20 trajectories, 100 times in windows of two intervals


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", nargs="*", type=int, default=[8, 16, 32, 64, 128], metavar="POINTS")
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD / "spnode")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("state_size"))
    return parser.parse_args()


def data_of(folder, points, variables):
    path = folder / f"gray_scott_{points}_{variables}.h5"
    if not path.exists():
        subprocess.run([sys.executable, HERE / "gray_scott.py", path, "--points", str(points), "--variables", str(variables),
                        "--trajectories", "20"], check=True)
    return path


def measured(options, points, variables):
    data = data_of(options.folder, points, variables)
    run = options.folder / f"run_{points}_{variables}"
    run.mkdir(exist_ok=True)
    (run / "deck.yaml").write_text(DECK.replace("DATA", str(data.resolve())))
    (run / "memory.txt").unlink(missing_ok=True)
    start = time.monotonic()
    done = subprocess.run(["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(options.ranks), "/usr/bin/time", "-a",
                           "-o", "memory.txt", "-f", "%M", options.spnode.resolve(), "train", "deck.yaml", "--overwrite"],
                          cwd=run, env=measure.environment(), capture_output=True, text=True)
    whole = time.monotonic() - start
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    memory = max(int(line) for line in (run / "memory.txt").read_text().split())
    with open(run / "run/history.csv") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return variables * points**2, 1e3 * min(seconds[1:]) / STEPS, whole - sum(seconds), memory / 1024


def main():
    options = arguments()
    options.folder.mkdir(exist_ok=True)
    measure.table(("components", "step, ms", "before, s", "memory, MB"), ())
    rows = []
    for size in [(8, 1), *((points, 2) for points in options.points)]:
        rows.append(measured(options, *size))
        components, step, before, memory = rows[-1]
        measure.rows_of_table([(components, f"{step:.2f}", f"{before:.1f}", f"{memory:.0f}")])
    if len(rows) > 1:
        sizes = [math.log(row[0]) for row in rows]
        slope = statistics.linear_regression(sizes, [math.log(row[1]) for row in rows]).slope
        print(f"\nThe step grows with the number of components to the power {slope:.2f}.")


if __name__ == "__main__":
    main()
