"""A user's own data: three lines of h5py make a file that trains, is forecast and evaluated.

The system is none of the built-in ones: x' = -x + x y / 2, y' = -1000 (y - x^2), integrated here by implicit Euler
with Richardson extrapolation on a fine grid.

    own_data.py SPNODE MPIEXEC
"""

import csv
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np


def implicit_euler(state, step, steps):
    """`steps` steps of implicit Euler with Newton's method, for all trajectories at once."""
    for _ in range(steps):
        x, y = state
        for _ in range(6):
            f = x - state[0] - step * (-x + 0.5 * x * y)
            g = y - state[1] + 1000 * step * (y - x * x)
            fx, fy = 1 + step * (1 - 0.5 * y), -0.5 * step * x
            gx, gy = -2000 * step * x, 1 + 1000 * step
            det = fx * gy - fy * gx
            x, y = x - (f * gy - g * fy) / det, y - (g * fx - f * gx) / det
        state = np.array([x, y])
    return state


def trajectories(count, seed):
    rng = np.random.default_rng(seed)
    time = np.concatenate([[0.0], np.geomspace(1e-4, 2.0, 40)])
    state = np.empty((count, len(time), 2))
    state[:, 0] = rng.uniform([0.3, 0.0], [1.2, 1.5], (count, 2))
    for i in range(1, len(time)):
        h, u = time[i] - time[i - 1], state[:, i - 1].T
        coarse, fine = implicit_euler(u, h / 200, 200), implicit_euler(u, h / 400, 400)
        state[:, i] = (2 * fine - coarse).T
    return time, state


def write(path, count, seed):
    time, state = trajectories(count, seed)
    with h5py.File(path, "w") as file:
        file["state"] = state
        file["time"] = time


def main():
    spnode, mpiexec = sys.argv[1:3]
    deck = pathlib.Path(__file__).parent / "deck.yaml"
    if len(deck.read_text().splitlines()) > 25:
        sys.exit("the deck has more than 25 lines")
    with tempfile.TemporaryDirectory() as folder:
        for seed, (name, count) in enumerate([("train", 60), ("validation", 10), ("test", 20)]):
            write(f"{folder}/{name}.h5", count, seed)
        for command in ["train", "forecast", "evaluate", "spectrum"]:
            done = subprocess.run([mpiexec, "--oversubscribe", "--bind-to", "none", "-n", "2", spnode, command, deck],
                                  cwd=folder, text=True, capture_output=True)
            print(done.stdout, done.stderr)
            if done.returncode != 0:
                sys.exit(f"{command} ended with status {done.returncode}")
        with h5py.File(f"{folder}/run/forecast.h5") as file:
            assert file["state"].shape == (20, 41, 2), file["state"].shape
        with open(f"{folder}/run/spectrum.csv") as file:
            rates = sorted(float(row["real"]) for row in csv.DictReader(file))
        # The slow rate is shared with the quadratic terms on the slow manifold; the fast one is the operator's own.
        print("fast eigenvalue", rates[0], "against -1000")
        assert abs(rates[0] / -1000 - 1) < 0.05, rates


if __name__ == "__main__":
    main()
