"""Data that used to end in a wrong model with status 0: each kind with the figure that it must reach.

    starts.py SPNODE
"""

import csv
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

QUADRATIC = """output: run
data: {train: train.h5, validation: validation.h5, test: test.h5, window: 2}
model: {initialisation: operator_inference, linear: {mu: 1.1}, nonlinear: [bilinear], bilinear: {rank: 2}}
integrator: {scheme: etdrk4}
training: {batch: 64, adam: {epochs: 3, rate: 1.0e-2}}
"""
LINEAR = """output: run
data: {train: train.h5, validation: validation.h5, test: test.h5, window: 1}
model: {initialisation: dmd, linear: {mu: 0}, nonlinear: []}
integrator: {scheme: etd1}
training: {batch: 64, adam: {epochs: 3, rate: 1.0e-3}}
"""
WAVE = LINEAR.replace("dmd,", "dmd, latent_dimension: 6, scaling: {kind: none}, autoencoder: {enabled: true},").replace(
    "mu: 0", "mu: 0.1")


def runge_kutta(f, state, time, substeps=50):
    states = [state]
    for h in np.diff(time) / substeps:
        for _ in range(substeps):
            a = f(state)
            b = f(state + h / 2 * a)
            c = f(state + h / 2 * b)
            state = state + h / 6 * (a + 2 * b + 2 * c + f(state + h * c))
        states.append(state)
    return np.stack(states, axis=1)


def predators(count, seed):
    """States (count, 81, 2) of Lotka and Volterra's equations, and their times."""
    def f(u):
        x, y = u[..., 0], u[..., 1]
        return np.stack([x - x * y, x * y - y], axis=-1)

    time = np.linspace(0, 8, 81)
    return time, runge_kutta(f, np.random.default_rng(seed).uniform(0.7, 1.4, (count, 2)), time)


def spiral(count, seed, offset=0.0):
    """States of u' = A (u - offset) with eigenvalues -0.1 +- 2i."""
    time = 0.1 * np.arange(60)
    start = np.random.default_rng(seed).normal(size=count) + 1j * np.random.default_rng(seed + 9).normal(size=count)
    z = start[:, None] * np.exp((-0.1 + 2j) * time)
    return time, np.stack([z.real, 0.3 * z.real + z.imag], axis=-1) + offset


def wave(count, seed):
    """Two standing waves of one rate each: four modes."""
    time, x = 0.05 * np.arange(40), np.linspace(0, 2 * np.pi, 32, endpoint=False)
    phase = np.random.default_rng(seed).uniform(0, 6, (count, 2, 1, 1))
    amplitude = np.random.default_rng(seed + 9).uniform(0.5, 1, (count, 2, 1, 1))
    k = np.array([1.0, 2.0]).reshape(2, 1, 1)
    state = amplitude * np.sin(k * x - 2.5 * k * time[:, None] + phase)
    return time, state.sum(axis=1)


class Folder:
    def __init__(self, spnode, path):
        self.spnode = spnode
        self.path = pathlib.Path(path)

    def write(self, make, change=lambda time, state: (time, state)):
        for seed, (name, count) in enumerate([("train", 24), ("validation", 4), ("test", 6)]):
            time, state = change(*make(count, seed))
            with h5py.File(self.path / f"{name}.h5", "w") as file:
                file["state"], file["time"] = state, time

    def run(self, command, *more):
        done = subprocess.run([self.spnode, command, "deck.yaml", "--overwrite", *more], cwd=self.path, text=True,
                              capture_output=True)
        return done.returncode, done.stdout + done.stderr

    def succeed(self, deck, *more):
        """The metrics of a model that was trained and evaluated; its figures are in `self.path`."""
        (self.path / "deck.yaml").write_text(deck)
        for command in ["train", "evaluate"]:
            status, said = self.run(command, *more)
            assert status == 0, said
        with open(self.path / "run/metrics.csv") as file:
            return {row["metric"]: float(row["value"]) for row in csv.DictReader(file) if row["time"] == ""}

    def eigenvalues(self):
        status, said = self.run("spectrum")
        assert status == 0, said
        with open(self.path / "run/spectrum.csv") as file:
            return [complex(float(row["real"]), float(row["imag"])) for row in csv.DictReader(file)]


def check(what, value, most):
    print(f"{what}: {value:.3g}, at most {most:g}")
    assert value <= most, what


def check_all(folder):
    rates = lambda: max(abs(z - complex(-0.1, np.copysign(2, z.imag))) for z in folder.eigenvalues())

    for name, factors in [("one unit", [1, 1]), ("units far apart", [1e-17, 1e12])]:
        folder.write(predators, lambda time, state: (time, state * factors))
        check(name, folder.succeed(QUADRATIC)["normalised_rms_error"], 1e-4)
    status, said = folder.run("train", "training.adam.rate=10")
    assert status == 0 and "the model is that of the start" in said, said
    check("a start that the training loses", folder.succeed(QUADRATIC, "training.adam.rate=10")["normalised_rms_error"],
          1e-4)
    folder.write(predators, lambda time, state: (time, state * 1e3))
    (folder.path / "test.h5").rename(folder.path / "large.h5")
    folder.write(predators)
    status, said = folder.run("evaluate", "evaluate.data=large.h5")
    assert status == 5 and "all 6 forecasts diverged" in said, (status, said)

    jitter = np.random.default_rng(3).choice([-1, 0, 1], (24, 81, 1)) * np.spacing(np.float32(101325))
    folder.write(predators, lambda time, state: (time, np.concatenate([state, 101325 + jitter[:len(state)]], axis=-1)))
    metrics = folder.succeed(QUADRATIC, "model.bilinear.rank=3", "training.adam.rate=1e-4")
    check("a constant in single precision", max(metrics["max_error_1"], metrics["max_error_2"]), 1e-4)

    for name, clock in [("from zero", lambda t: t), ("a clock of seconds since 1970", lambda t: 1.7e9 + t),
                        ("times in single precision", lambda t: t.astype("f4"))]:
        folder.write(spiral, lambda time, state: (clock(time), state))
        folder.succeed(LINEAR)
        check(name, rates(), 1e-5)
    for name, scaling in [("a constant and the usual scaling", "component"), ("a constant without scaling", "none")]:
        folder.write(lambda count, seed: spiral(count, seed, 10.0))
        check(name, folder.succeed(LINEAR, f"model.scaling.kind={scaling}")["normalised_rms_error"], 1e-8)
        check(name, rates(), 1e-8)
    folder.write(spiral)
    check("no constant", folder.succeed(LINEAR, "model.constant=false")["normalised_rms_error"], 1e-8)

    folder.write(wave)
    (folder.path / "deck.yaml").write_text(WAVE)
    for start in ["dmd", "operator_inference"]:
        status, said = folder.run("train", f"model.initialisation={start}")
        assert status == 2 and "only 4 POD modes of the data are above rounding" in said, (status, said)
    check("as many modes as there are", folder.succeed(WAVE, "model.latent_dimension=4")["normalised_rms_error"], 1e-6)

    for factor, unit, warned in [(1.0, 1, False), (1e9, 1, True), (1e-9, 1, True), (1e9, 0, False), (1e-9, 0, False)]:
        folder.write(spiral, lambda time, state: (factor * time, state))
        (folder.path / "deck.yaml").write_text(LINEAR)
        status, said = folder.run("train", "model.initialisation=random", f"data.time_unit={unit}")
        assert status == 0 and ("warning: the states of train.h5 change" in said) == warned, (factor, unit, said)


def main():
    with tempfile.TemporaryDirectory() as path:
        check_all(Folder(sys.argv[1], path))


if __name__ == "__main__":
    main()
