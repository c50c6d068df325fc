"""The estimate of `spnode check` beside the memory that `spnode train` uses, in Markdown.

    /usr/bin/python3 tests/benchmark/memory.py [--spnode BUILD/bin/spnode] [--folder FOLDER]

"Used" is the largest resident set of a rank less that of `check` on a deck without data, which stands for the libraries. Data are
travelling waves in single precision, 100 times in each trajectory.
"""

import argparse
import pathlib
import re
import subprocess

import h5py
import numpy as np

import measure

UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
DECK = """
output: run
data: {train: DATA, window: 9}
model: {nonlinear: [bilinear], bilinear: {rank: 4}, scaling: {kind: global}, linear: {mu: 0.1}}
training: {batch: 64, tile: 8, validate_every: 100, spectrum_every: 0, adam: {epochs: 2, rate: 1.0e-5}}
"""
POD = ["model.latent_dimension=6", "model.autoencoder.enabled=true"]
NETWORKS = [*POD, "model.autoencoder.hidden=[16]"]
# What the deck is: trajectories, components, words.
CASES = {
    "small": (20, 16, []),
    "many parameters, L-BFGS": (20, 16, ["model.bilinear.rank=5000", "training.optimizers=[lbfgs]", "training.lbfgs.iterations=2"]),
    "many parameters, Gauss-Newton": (20, 16, ["model.bilinear.rank=25", "training.optimizers=[gauss_newton]",
                                               "training.gauss_newton.iterations=1"]),
    "POD, projected": (10, 16384, POD),
    "POD and networks": (400, 1024, NETWORKS),
    "POD, projected, streamed": (10, 65536, [*POD, "data.memory=100"]),
    "POD and networks, streamed": (800, 1024, [*NETWORKS, "data.memory=100"]),
}


def data_of(folder, trajectories, components):
    path = folder / f"waves_{trajectories}_{components}.h5"
    if not path.exists():
        x, t = 2 * np.pi * np.arange(components) / components, 0.05 * np.arange(100)
        with h5py.File(path, "w") as file:
            state = file.create_dataset("state", (trajectories, t.size, components), np.float32)
            file["time"] = t
            for n in range(trajectories):
                wave, decay = x - t[:, None] + n, np.exp(-0.1 * t)[:, None]
                state[n] = np.cos(wave) * decay + 0.5 * np.sin(2 * wave - t[:, None]) + 0.1 * np.cos(5 * wave + n) * decay
    return path


def spnode(options, run, ranks, *words):
    """The output, and the largest resident set of a rank in MB."""
    (run / "memory.txt").unlink(missing_ok=True)
    done = subprocess.run(["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), "/usr/bin/time", "-a",
                           "-o", "memory.txt", "-f", "%M", options.spnode.resolve(), *words],
                          cwd=run, env=measure.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout, max(int(line) for line in (run / "memory.txt").read_text().split()) * 1024e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD / "spnode")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("memory"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    measure.table(("deck", "data, MB", "ranks", "estimate, MB", "used, MB", "ratio"), ())
    for name, (trajectories, components, words) in CASES.items():
        data = data_of(options.folder, trajectories, components)
        run = options.folder / "run"
        run.mkdir(exist_ok=True)
        (run / "deck.yaml").write_text(DECK.replace("DATA", str(data.resolve())))
        for ranks in (1, 2):
            _, libraries = spnode(options, run, ranks, "check", "deck.yaml", 'data.train=""')
            said, _ = spnode(options, run, ranks, "check", "deck.yaml", *words)
            number, unit = re.search(r"# memory of each of \d+ ranks: (\S+) (\w+)", said).groups()
            estimate = float(number) * UNITS[unit]
            _, peak = spnode(options, run, ranks, "train", "deck.yaml", "--overwrite", *words)
            used = peak - libraries
            measure.rows_of_table([(name, f"{data.stat().st_size / 1e6:.0f}", ranks, f"{estimate:.0f}", f"{used:.0f}",
                                    f"{estimate / used:.2f}")])


if __name__ == "__main__":
    main()
