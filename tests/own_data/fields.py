"""Fields on a periodic grid: a Brusselator in one dimension, from a flat state of two fields of 21 points.

    fields.py SPNODE

`suggest` finds the fields and writes a deck whose forecasts follow unseen trajectories over their whole length.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np

POINTS, ALPHA, GOAL = 21, 0.1, 1.0e-2


def right_hand_side(y):
    u, v = y[..., :POINTS], y[..., POINTS:]
    reaction, rate = u * u * v, ALPHA / 100 * POINTS**2

    def diffusion(w):
        return rate * (np.roll(w, 1, -1) + np.roll(w, -1, -1) - 2 * w)

    return np.concatenate([1 + reaction - 4.4 * u + diffusion(u), 3.4 * u - reaction + diffusion(v)], -1)


def trajectories(random, count, times=116, step=0.1, between=20):
    """(count, times, 42) by classical Runge-Kutta steps."""
    x, h = np.arange(POINTS) / POINTS, step / between
    place = 2 * np.pi * (x + random.uniform(size=(2, count, 1)))
    u = np.concatenate([1 + random.uniform(0.3, 1, (count, 1)) * np.sin(place[0]),
                        3.4 + random.uniform(-0.5, 0.5, (count, 1)) * np.cos(place[1])], -1)
    states = [u]
    for _ in range((times - 1) * between):
        a = right_hand_side(u)
        b = right_hand_side(u + h / 2 * a)
        c = right_hand_side(u + h / 2 * b)
        u = u + h / 6 * (a + 2 * b + 2 * c + right_hand_side(u + h * c))
        states.append(u)
    return np.stack(states[::between], 1), step * np.arange(times)


def main():
    spnode, random = sys.argv[1], np.random.default_rng(13)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file, count in (("train.h5", 20), ("test.h5", 4)):
            with h5py.File(folder / file, "w") as data:
                data["state"], data["time"] = trajectories(random, count)

        def run(*words):
            done = subprocess.run([spnode, *words], cwd=folder, text=True, capture_output=True, check=False)
            print(done.stdout, done.stderr)
            if done.returncode != 0:
                sys.exit(f"{words[0]} ended with status {done.returncode}")
            return done.stdout

        assert "2 fields of 21 points, one after the other" in run("suggest", "train.h5", "seconds=10")
        deck = (folder / "train.yaml").read_text()
        print(deck)
        assert "fields: 2, field_axis: first" in deck, deck
        assert "u_0[+1]" in run("train", "train.yaml")
        output = run("evaluate", "train.yaml", "data.test=test.h5")
        error = float(re.search(r"normalised_rms_error +(\S+)", output).group(1))
        assert error < GOAL, error


if __name__ == "__main__":
    main()
