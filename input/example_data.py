#!/usr/bin/env python3
"""Makes the data of some decks as a user would write files of their own simulations, with NumPy and h5py.

    input/example_data.py SYSTEM...          writes data/SYSTEM/train.h5, validation.h5 and test.h5

forced_room      a room with a heater: C T' = (outside(t) - T) / R + heater(t); /inputs/outside, /inputs/heater
parametric_hopf  x' = a x - w y - x (x^2 + y^2), y' = a y + w x - y (x^2 + y^2); /parameters/a, /parameters/w
lotka_volterra   u' = 1.5 u - u v, v' = -3 v + u v
fast_slow        x' = eps (x - 2 x^3 + y), y' = T(x) y + (0.3 y z, -0.2 y^2) + eps (0.5 y, -0.4 z) for two fast variables
                 (y, z), T(x) = [-1 - x^2 / 2, 1 + x; -1 - x, -2]; /parameters/epsilon; also slow.h5, on y = z = 0 and
                 over times of order 1 / eps
oscillator       x' = -0.1 x - y, y' = x - 0.1 y; instead of train.h5 the first 100, 400 and 2000 points of one
                 trajectory, clean_N.h5, and with noise of 1e-3, noisy_N.h5
"""
import pathlib
import sys

import h5py
import numpy as np


def runge_kutta(f, state, time, substeps=40):
    """Solutions (count, times, components) from the states (count, components), by the classical scheme."""
    states = [state]
    for begin, end in zip(time[:-1], time[1:]):
        h = (end - begin) / substeps
        for _ in range(substeps):
            a = f(state)
            b = f(state + 0.5 * h * a)
            c = f(state + 0.5 * h * b)
            d = f(state + h * c)
            state = state + h / 6 * (a + 2 * b + 2 * c + d)
        states.append(state)
    return np.stack(states, axis=1)


def forced_room(rng, count):
    time = np.linspace(0, 48, 193)  # hours
    rc, c = 5.0, 2.0
    phase, level = rng.uniform(0, 24, (count, 1)), rng.uniform(0, 10, (count, 1))
    outside = level + 5 * np.sin(2 * np.pi * (time - phase) / 24)
    heater = np.repeat(rng.integers(0, 2, (count, 25)), 8, axis=1)[:, :193] * 6.0
    state = np.empty((count, 193, 1))
    state[:, 0, 0] = rng.uniform(15, 22, count)
    for k in range(192):  # inputs are held until the next time: exact
        rest = outside[:, k] + rc * heater[:, k] / c
        state[:, k + 1, 0] = rest + (state[:, k, 0] - rest) * np.exp(-(time[k + 1] - time[k]) / rc)
    return {"state": state, "time": time, "inputs/outside": outside, "inputs/heater": heater}


def parametric_hopf(rng, count):
    time = np.linspace(0, 8, 81)
    a, w = rng.uniform(-0.5, 1, count), rng.uniform(1, 3, count)

    def right_hand_side(state):
        x, y = state[:, 0], state[:, 1]
        square = x * x + y * y
        return np.stack([a * x - w * y - x * square, a * y + w * x - y * square], axis=1)

    state = runge_kutta(right_hand_side, rng.uniform(-1, 1, (count, 2)), time)
    return {"state": state, "time": time, "parameters/a": a, "parameters/w": w}


def lotka_volterra(rng, count):
    time = np.linspace(0, 10, 201)

    def right_hand_side(state):
        u, v = state[:, 0], state[:, 1]
        return np.stack([1.5 * u - u * v, -3 * v + u * v], axis=1)

    return {"state": runge_kutta(right_hand_side, rng.uniform(1, 5, (count, 2)), time), "time": time}


def fast_slow(rng, count, slow=False):
    time = np.linspace(0, 200, 41) if slow else np.linspace(0, 4, 21)
    epsilon = 10 ** rng.uniform(-3, -1, count)

    def right_hand_side(state):
        x, y, z = state[:, 0], state[:, 1], state[:, 2]
        return np.stack(
            [
                epsilon * (x - 2 * x**3 + y),
                (-1 - x * x / 2) * y + (1 + x) * z + 0.3 * y * z + 0.5 * epsilon * y,
                -(1 + x) * y - 2 * z - 0.2 * y * y - 0.4 * epsilon * z,
            ],
            axis=1,
        )

    start = rng.uniform(-1, 1, (count, 3)) * (np.array([1, 0, 0]) if slow else 1)
    return {"state": runge_kutta(right_hand_side, start, time, 200 if slow else 40), "time": time, "parameters/epsilon": epsilon}


def oscillator(rng, count):
    time = np.linspace(0, 15, 2000)
    start = rng.uniform(0.5, 4, count) * np.exp(2j * np.pi * rng.uniform(size=count))
    z = start[:, None] * np.exp((-0.1 + 1j) * time)
    return {"state": np.stack([z.real, z.imag], axis=-1), "time": time}


SIZES = {"forced_room": (30, 5, 5), "parametric_hopf": (120, 20, 20), "lotka_volterra": (40, 10, 10), "fast_slow": (100, 20, 20), "oscillator": (1, 1, 30)}


def files(system):
    """The datasets of each file, by its name."""
    if system == "fast_slow":
        yield "slow", fast_slow(np.random.default_rng(3), 20, slow=True)
    for seed, (name, count) in enumerate(zip(("train", "validation", "test"), SIZES[system])):
        datasets = globals()[system](np.random.default_rng(seed), count)
        if (system, name) != ("oscillator", "train"):
            yield name, datasets
            continue
        state, time = datasets["state"], datasets["time"]
        noise = 1e-3 * np.random.default_rng(3).normal(size=state.shape)
        for points in (100, 400, 2000):
            yield f"clean_{points}", {"state": state[:, :points], "time": time[:points]}
            yield f"noisy_{points}", {"state": (state + noise)[:, :points], "time": time[:points]}


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[1:]) <= set(SIZES):
        sys.exit(__doc__)
    for system in sys.argv[1:]:
        folder = pathlib.Path("data", system)
        folder.mkdir(parents=True, exist_ok=True)
        for name, datasets in files(system):
            with h5py.File(folder / f"{name}.h5", "w") as file:
                for dataset, values in datasets.items():
                    file[dataset] = values
