"""A stiffness that follows the state: van der Pol's equation with mu = 50, at times as an adaptive solver takes them.

    stiff.py SPNODE

The equation is found from differences and followed through three jumps by adaptive Rosenbrock steps.
"""

import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

MU = 50.0
DECK = """output: run
data: {train: train.h5, validation: validation.h5, test: test.h5, window: 5}
model:
  nonlinear: [library]
  linear: {structure: none}
  library: {degree: 3}
  initialisation: sparse_regression
  sparse_regression: {sweeps: 30, share: 8.0e-3, ridge: 1.0e-12, threshold: 0}
  inference_order: 6
integrator: {scheme: rodas4p, tolerance: 1.0e-7}
training: {optimizers: [gauss_newton], gauss_newton: {iterations: 3}}
evaluate: {require_error: 5.0e-3}
"""


def trajectory(x, count):
    """(count, 2) states and their times: a new one where the state has moved by 0.02."""
    def f(u):
        return np.array([u[1], MU * (1 - u[0] ** 2) * u[1] - u[0]])

    u, time, h = np.array([x, 0.0]), 0.0, 5e-4
    states, times, last = [u], [0.0], u
    while len(times) < count:
        a = f(u)
        b = f(u + h / 2 * a)
        c = f(u + h / 2 * b)
        u = u + h / 6 * (a + 2 * b + 2 * c + f(u + h * c))
        time += h
        if np.hypot(u[0] - last[0], (u[1] - last[1]) / MU) > 0.02:
            states.append(u)
            times.append(time)
            last = u
    return np.array(states), np.array(times)


def main():
    spnode = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for role, starts in (("train", [2.0, -1.5]), ("validation", [1.8]), ("test", [-2.1])):
            found = [trajectory(x, 400) for x in starts]
            with h5py.File(folder / f"{role}.h5", "w") as file:
                file["state"] = np.array([states for states, _ in found])
                file["time"] = np.array([times for _, times in found])
        print("times up to", [times[-1] for _, times in found])
        (folder / "deck.yaml").write_text(DECK)
        for command in ("train", "evaluate"):
            done = subprocess.run([spnode, command, "deck.yaml"], cwd=folder, text=True, capture_output=True, check=False)
            print(done.stdout, done.stderr)
            if done.returncode != 0:
                sys.exit(f"{command} ended with status {done.returncode}")


if __name__ == "__main__":
    main()
