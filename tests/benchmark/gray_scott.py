#!/usr/bin/python3
"""Writes trajectories of the Gray-Scott equations on a periodic square, in single precision and with the axes of PDEBench:
/tensor (trajectories, times, points, points, variables) and /t-coordinate (times).

    /usr/bin/python3 tests/benchmark/gray_scott.py large.h5 --points 512 --trajectories 20 --times 100

spnode reads it with data.state=/tensor data.time=/t-coordinate. Pearson, Complex patterns in a simple system, Science 261 (1993):
u_t = 0.16 lap u - u v^2 + F (1 - u), v_t = 0.08 lap v + u v^2 - (F + k) v on a grid of step 1, by explicit Euler steps of length 1.
"""

import argparse

import h5py
import numpy as np

FEED, KILL = np.float32(0.04), np.float32(0.06)
DIFFUSION = (np.float32(0.16), np.float32(0.08))


def laplacian(field):
    """Five points, periodic."""
    return (np.roll(field, 1, 0) + np.roll(field, -1, 0) + np.roll(field, 1, 1) + np.roll(field, -1, 1)
            - np.float32(4) * field)


def advance(u, v, steps):
    for _ in range(steps):
        reaction = u * v * v
        u, v = (u + DIFFUSION[0] * laplacian(u) - reaction + FEED * (1 - u),
                v + DIFFUSION[1] * laplacian(v) + reaction - (FEED + KILL) * v)
    return u, v


def initial_state(points, places, random, spread):
    """Twelve squares of the second substance in the first, at random places."""
    u, v = np.ones((points, points), np.float32), np.zeros((points, points), np.float32)
    side = max(2, points // 16)
    for _ in range(12):
        i, j = places.integers(0, points - side, 2)
        u[i:i + side, j:j + side], v[i:i + side, j:j + side] = 0.5, 0.25 * (1 + spread * random.uniform(-1, 1))
    u += np.float32(0.01) * random.standard_normal(u.shape, np.float32)
    return u, v


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--points", type=int, default=128, help="along each side")
    parser.add_argument("--trajectories", type=int, default=5)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--between", type=int, default=20, help="steps between two times")
    parser.add_argument("--before", type=int, default=400, help="steps before the first time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variables", type=int, choices=(1, 2), default=2, help="that are written")
    parser.add_argument("--same-places", type=float, metavar="SPREAD",
                        help="the squares of all trajectories, of all seeds, stand at the same places, and their concentrations "
                             "differ by this share")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    with h5py.File(options.output, "w") as file:
        shape = (options.trajectories, options.times, options.points, options.points, options.variables)
        tensor = file.create_dataset("tensor", shape, np.float32)
        file["t-coordinate"] = options.between * np.arange(options.times, dtype=np.float64)
        for trajectory in range(options.trajectories):
            same = options.same_places is not None
            places, spread = (np.random.default_rng(0), options.same_places) if same else (random, 0.0)
            u, v = advance(*initial_state(options.points, places, random, spread), options.before)
            for time in range(options.times):
                tensor[trajectory, time] = np.stack([u, v], axis=-1)[..., :options.variables]
                u, v = advance(u, v, options.between)


if __name__ == "__main__":
    main()
