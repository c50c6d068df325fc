#!/usr/bin/env python3
"""What `spnode suggest` makes of data of standard systems, with no hand on the deck.

    /usr/bin/python3 tests/validation/first_try.py [SYSTEM ...] [--spnode PROGRAM] [--ranks N] [--folder FOLDER]

For each system: trajectories from random initial states by SciPy, `suggest`, `train` with its deck, `evaluate` on
trajectories that neither has seen. The table has the time of `suggest` and `train`, the class that was chosen, and the error
relative to each component's deviation (the first figure of `evaluate`), or the valid prediction time.
"""
import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import solve_ivp


def integrate(f, states, times, **options):
    """(states, times, components) of du/dt = f(t, u)."""
    found = []
    for state in states:
        solution = solve_ivp(f, (times[0], times[-1]), state, t_eval=times, method="LSODA", rtol=1e-11, atol=1e-13,
                             **options)
        if not solution.success:
            raise RuntimeError(solution.message)
        found.append(solution.y.T)
    return np.array(found)


def logarithmic(first, last, count):
    return np.concatenate([[0.0], np.geomspace(first, last, count)])


def lotka_volterra(random):
    def f(t, u):
        return [1.5 * u[0] - u[0] * u[1], u[0] * u[1] - 3 * u[1]]
    times = np.linspace(0, 10, 201)
    return integrate(f, random.uniform(1, 4, (40, 2)), times), times, {}


def lorenz63(random):
    def f(t, u):
        return [10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]]
    settled = integrate(f, random.uniform(-10, 10, (30, 3)) + [0, 0, 25], np.array([0.0, 10.0]))[:, -1]
    times = np.linspace(0, 10, 1001)
    return integrate(f, settled, times), times, {}


def hires(random):
    def f(t, y):
        r = 280 * y[5] * y[7]
        return [-1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007, 1.71 * y[0] - 8.75 * y[1],
                -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4], 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
                -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6], -r + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
                r - 1.81 * y[6], -r + 1.81 * y[6]]
    states = np.zeros((100, 8))
    states[:, 0] = random.uniform(0.8, 1.2, 100)
    states[:, 7] = 0.0057 * random.uniform(0.8, 1.2, 100)
    times = logarithmic(1e-3, 321.8, 50)
    return integrate(f, states, times), times, {}


def robertson(random):
    def f(t, y):
        a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return [-a + b, a - b - c, c]
    states = np.array([1.0, 0, 0]) + np.array([1, 1e-5, 1]) * random.uniform(0, 0.05, (100, 3))
    times = logarithmic(1e-5, 1e5, 50)
    return integrate(f, states, times), times, {}


def akzo_nobel(random):
    def f(t, y):
        root, sixth = np.sqrt(max(y[1], 0)), 115.83 * y[0] * y[3]
        r1, r2, r3 = 18.7 * y[0] ** 4 * root, 0.58 * y[2] * y[3], 0.58 / 34.4 * y[0] * y[4]
        r4, r5 = 0.09 * y[0] * y[3] ** 2, 0.42 * sixth ** 2 * root
        return [-2 * r1 + r2 - r3 - r4, -0.5 * r1 - r4 - 0.5 * r5 + 3.3 * (0.9 / 737 - y[1]), r1 - r2 + r3,
                -r2 + r3 - 2 * r4, r2 - r3 + r5]
    states = np.array([0.444, 0.00123, 0, 0.007, 0]) * random.uniform(0.9, 1.1, (100, 5))
    times = logarithmic(1e-3, 180, 50)
    return integrate(f, states, times), times, {}


def oregonator(random):
    def f(t, y):
        return [77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1])), (y[2] - (1 + y[0]) * y[1]) / 77.27,
                0.161 * (y[0] - y[2])]
    states = np.array([1.0, 2, 3]) * random.uniform(0.9, 1.1, (100, 3))
    times = logarithmic(1e-3, 360, 100)
    return integrate(f, states, times), times, {}


def e5(random):
    def f(t, y):
        a, b, c, m = 7.89e-10 * y[0], 1.1e7 * y[0] * y[2], 1.13e9 * y[1] * y[2], 1.13e3 * y[3]
        return [-a - b, a - c, a - b - c + m, b - m]
    states = np.zeros((100, 4))
    states[:, 0] = 1.76e-3 * random.uniform(0.8, 1.2, 100)
    times = logarithmic(1e-2, 1e7, 50)
    solution = [solve_ivp(f, (0, 1e7), s, t_eval=times, method="Radau", rtol=1e-9, atol=1e-25).y.T for s in states]
    return np.array(solution), times, {}


def van_der_pol(random):
    def f(t, u):
        return [u[1], (1 - u[0] ** 2) * u[1] - u[0]]
    times = np.linspace(0, 15, 301)
    return integrate(f, random.uniform(-2, 2, (30, 2)), times), times, {}


def van_der_pol_stiff(random):
    """mu = 1000, on the times of an adaptive solver."""
    def f(t, u):
        return [u[1], 1000 * (1 - u[0] ** 2) * u[1] - u[0]]

    def jacobian(t, u):
        return [[0, 1], [-2000 * u[0] * u[1] - 1, 1000 * (1 - u[0] ** 2)]]
    states = np.stack([random.uniform(1.2, 2.2, 20) * random.choice([-1, 1], 20), np.zeros(20)], 1)
    found = [solve_ivp(f, (0, 2500), s, method="Radau", rtol=1e-9, atol=1e-11, jac=jacobian) for s in states]
    count = min(len(solution.t) for solution in found)
    return (np.array([solution.y.T[:count] for solution in found]), np.array([solution.t[:count] for solution in found]),
            {})


def brusselator(random):
    n, alpha = 21, 0.02
    x = np.linspace(0, 1, n)
    dx = x[1] - x[0]

    def f(t, y):
        u, v = y[:n], y[n:]
        left, right = np.concatenate([[1.0], u[:-1]]), np.concatenate([u[1:], [1.0]])
        du = 1 + u * u * v - 4 * u + alpha * (left - 2 * u + right) / dx ** 2
        left, right = np.concatenate([[3.0], v[:-1]]), np.concatenate([v[1:], [3.0]])
        return np.concatenate([du, 3 * u - u * u * v + alpha * (left - 2 * v + right) / dx ** 2])
    states = np.array([np.concatenate([1 + a * np.sin(2 * np.pi * x) + b * np.sin(np.pi * x), 3 + c * np.sin(np.pi * x)])
                       for a, b, c in random.uniform(-0.5, 0.5, (40, 3))])
    times = np.linspace(0, 11.5, 231)
    return integrate(f, states, times), times, {}


def duffing(random):
    times = np.linspace(0, 20, 401)
    forces = [(random.uniform(0.2, 0.5), random.uniform(0.8, 1.4)) for _ in range(40)]
    states = random.uniform(-1, 1, (40, 2))
    found = np.array([integrate(lambda t, u: [u[1], -0.3 * u[1] + u[0] - u[0] ** 3 + a * np.cos(w * t)], [s], times)[0]
                      for (a, w), s in zip(forces, states)])
    return found, times, {"inputs/force": np.array([a * np.cos(w * times) for a, w in forces])}


def burgers(random):
    n = 128
    x = np.arange(n) / n
    k = 2j * np.pi * np.fft.rfftfreq(n, 1 / n)
    mask = np.abs(k) < 2 * np.pi * n / 3

    def f(t, u):
        spectrum = np.fft.rfft(u)
        return np.fft.irfft(-0.5 * k * mask * np.fft.rfft(u * u) + 0.01 * k * k * spectrum, n)
    states = [sum(random.normal() * np.sin(2 * np.pi * (j * x + random.uniform())) / j for j in range(1, 4))
              for _ in range(60)]
    times = np.linspace(0, 1, 41)
    return integrate(f, states, times), times, {}


SYSTEMS = {f.__name__: f for f in (lotka_volterra, lorenz63, hires, robertson, akzo_nobel, oregonator, e5, van_der_pol,
                                   van_der_pol_stiff, brusselator, duffing, burgers)}


def write(path, state, times, extra):
    with h5py.File(path, "w") as file:
        file["state"], file["time"] = state, times
        for name, values in extra.items():
            file[name] = values


def cpu_time():
    """Of all programs that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def attempt(name, spnode, ranks, folder):
    state, times, extra = SYSTEMS[name](np.random.default_rng(1))
    folder.mkdir(parents=True, exist_ok=True)
    cut = 4 * len(state) // 5
    own = np.ndim(times) == 2
    for file, some in ((f"{name}.h5", slice(cut)), (f"{name}_test.h5", slice(cut, None))):
        write(folder / file, state[some], times[some] if own else times, {key: value[some] for key, value in extra.items()})
    launch = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), spnode] if ranks > 1 else [spnode]
    start, used = time.time(), cpu_time()
    for words in (["suggest", f"{name}.h5", "--overwrite"], ["train", f"{name}.yaml", "--overwrite"],
                  ["evaluate", f"{name}.yaml", f"data.test={name}_test.h5", "--overwrite"]):
        done = subprocess.run([*launch, *words], cwd=folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        print(done.stdout[-3000:])
        if done.returncode not in (0,):
            print(f"{name}: {words[0]} ended with {done.returncode}")
            return
        if words[0] == "train":
            print(f"{name}: suggest and train took {time.time() - start:.0f} s, {cpu_time() - used:.0f} s of processors")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", default=list(SYSTEMS))
    parser.add_argument("--spnode", default="build/release/bin/spnode")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("runs/first_try"))
    options = parser.parse_args()
    for name in options.systems:
        if name not in SYSTEMS:
            sys.exit(f"unknown system {name}; there are {', '.join(SYSTEMS)}")
        attempt(name, str(Path(options.spnode).resolve()), options.ranks, options.folder)


if __name__ == "__main__":
    main()
