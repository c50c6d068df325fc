"""A training whose data are read while they are used beside one that holds them, in Markdown.

    /usr/bin/python3 tests/benchmark/streaming.py [--spnode BUILD/bin/spnode] [--ranks 2] [--memory 100] [--folder FOLDER]

Travelling waves in single precision, 1000 trajectories of 100 times and 1024 components (410 MB), as a contiguous dataset, in chunks
and in compressed chunks; an autoencoder of a POD and a network, in windows of 9 intervals. "Epoch" is the least time of an epoch after
the first one, "before" what comes before the first step, "memory" the largest resident set of a rank. The files are in the system's
cache: rates are those of HDF5 and its filters, not of a disk.
"""

import argparse
import csv
import pathlib
import subprocess
import time

import h5py
import numpy as np

import measure

TRAJECTORIES, TIMES, COMPONENTS = 1000, 100, 1024
LAYOUTS = {
    "contiguous": {},
    "chunks of a trajectory": {"chunks": (1, TIMES, COMPONENTS)},
    "compressed chunks of ten states": {"chunks": (1, 10, COMPONENTS), "compression": "gzip", "compression_opts": 1, "shuffle": True},
    "compressed chunks across trajectories": {"chunks": (10, 10, 256), "compression": "gzip", "compression_opts": 1, "shuffle": True},
}
DECK = """
output: run
data: {train: DATA, window: 9}
model: {latent_dimension: 6, nonlinear: [bilinear], bilinear: {rank: 4}, scaling: {kind: global}, linear: {mu: 0.1},
        autoencoder: {enabled: true, hidden: [8]}}
training: {batch: 512, tile: 8, validate_every: 100, spectrum_every: 0, adam: {epochs: 4, rate: 1.0e-5}}
"""


def data_of(folder, name, storage):
    path = folder / (name.replace(" ", "_") + ".h5")
    if not path.exists():
        x, t = 2 * np.pi * np.arange(COMPONENTS) / COMPONENTS, 0.05 * np.arange(TIMES)
        with h5py.File(path, "w") as file:
            state = file.create_dataset("state", (TRAJECTORIES, TIMES, COMPONENTS), np.float32, **storage)
            file["time"] = t
            for n in range(0, TRAJECTORIES, 10):
                wave = x - t[:, None] + np.arange(n, n + 10)[:, None, None]
                state[n:n + 10] = np.exp(-0.1 * t)[:, None] * (np.cos(wave) + 0.5 * np.sin(2 * wave - t[:, None]))
    return path


def trained(options, data, *words):
    """Seconds of an epoch and before the first one, and the largest resident set of a rank in MB."""
    run = options.folder / "run"
    run.mkdir(exist_ok=True)
    (run / "deck.yaml").write_text(DECK.replace("DATA", str(data.resolve())))
    (run / "memory.txt").unlink(missing_ok=True)
    start = time.monotonic()
    done = subprocess.run(["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(options.ranks), "/usr/bin/time", "-a",
                           "-o", "memory.txt", "-f", "%M", options.spnode.resolve(), "train", "deck.yaml", "--overwrite", *words],
                          cwd=run, env=measure.environment(), capture_output=True, text=True)
    whole = time.monotonic() - start
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    with open(run / "run/history.csv") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return min(seconds[1:]), whole - sum(seconds), max(int(line) for line in (run / "memory.txt").read_text().split()) * 1024e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD / "spnode")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--memory", type=float, default=100.0, help="MB for the states of a rank")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("streaming"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    measure.table(("dataset", "states", "epoch, s", "before, s", "memory, MB"), ())
    for name, storage in LAYOUTS.items():
        data = data_of(options.folder, name, storage)
        for states, words in (("held", ["data.memory=1e6"]), ("streamed", [f"data.memory={options.memory}"])):
            epoch, before, memory = trained(options, data, *words)
            measure.rows_of_table([(name, states, f"{epoch:.2f}", f"{before:.1f}", f"{memory:.0f}")])


if __name__ == "__main__":
    main()
