"""Data that are hard to fit: uneven times, noise, trajectories at rest, and steps far beyond the data.

    trials.py SPNODE
"""

import sys
import tempfile

import h5py
import numpy as np

from starts import LINEAR, Folder, check, runge_kutta, spiral

NOISY = """output: run
data: {train: train.h5, validation: validation.h5, test: truth.h5}
model: {initialisation: operator_inference, inference_order: 2, linear: {mu: 1}, nonlinear: [bilinear], bilinear: {rank: 3}}
integrator: {scheme: etdrk4, substeps: 4}
training: {batch: 50, adam: {epochs: 100, rate: 3.0e-3, clip: 0.5}}
evaluate: {long_run: 1000}
"""
REACTIONS = """output: run
data: {train: train.h5, validation: validation.h5, test: truth.h5, window: 4, stride: 1}
model: {initialisation: operator_inference, linear: {mu: 0.05}, nonlinear: [bilinear], bilinear: {rank: 5}}
integrator: {scheme: etdrk4, substeps: 2}
training: {batch: 128, optimizers: [adam, gauss_newton], adam: {epochs: 20, rate: 1.0e-3, clip: 1}, gauss_newton: {iterations: 4}}
"""


def competition(count, seed):
    """Three species, s' = s (1 + A s), from shares that add up to one (dynamicslab/pysindy#518)."""
    A = np.array([[-1, 0, -1], [0, -1, 0.1], [0, 0, -1.0]])
    time = np.linspace(0, 24, 20)
    return time, runge_kutta(lambda s: s * (1 + s @ A.T), np.random.default_rng(seed).dirichlet(np.ones(3), count), time)


def reactions(count, seed):
    """2 A -> B, A -> C, C -> D, B + D -> E (SciML/Catalyst.jl#264)."""
    def f(y):
        r = [0.1 * y[:, 0]**2, 0.2 * y[:, 0], 0.13 * y[:, 2], 0.3 * y[:, 1] * y[:, 3]]
        return np.stack([-2 * r[0] - r[1], r[0] - r[3], r[1] - r[2], r[2] - r[3], r[3]], axis=-1)

    start = np.zeros((count, 5))
    start[:, :2] = np.random.default_rng(seed).uniform(0.2, 2.2, (count, 2))
    time = np.linspace(0, 20, 20)
    return time, runge_kutta(f, start, time)


def write_with_noise(folder, make, noise):
    """Noisy data for training and validation, and truth.h5 without noise."""
    folder.write(make)
    (folder.path / "test.h5").rename(folder.path / "truth.h5")
    folder.write(lambda count, seed: make(4 * count, seed), lambda time, state: (time, noise(state)))


def main():
    random = np.random.default_rng(15)
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(sys.argv[1], path)

        write_with_noise(folder, competition, lambda state: state + 0.1 * random.normal(size=state.shape))
        metrics = folder.succeed(NOISY)
        check("competition with a noise of 0.1", metrics["relative_l2_error"], 0.06)
        check("trajectories that leave in a long run", metrics["long_run_unbounded"], 0)
        write_with_noise(folder, reactions, lambda state: state * (1 + 0.05 * random.normal(size=state.shape)))
        check("reactions with a noise of 5 %", folder.succeed(REACTIONS)["relative_l2_error"], 0.08)

        kept = np.sort(np.random.default_rng(5).permutation(60)[:42])
        folder.write(spiral, lambda time, state: (time[kept], state[:, kept]))
        (folder.path / "deck.yaml").write_text(LINEAR)
        status, said = folder.run("train")
        assert status == 2 and "Operator inference" in said, (status, said)
        folder.succeed(LINEAR, "model.initialisation=operator_inference")
        check("uneven times", max(abs(z - complex(-0.1, np.copysign(2, z.imag))) for z in folder.eigenvalues()), 1e-6)

        folder.write(spiral, lambda time, state: (time, state * np.append(np.ones(len(state) - 2), [0, 1e-6])[:, None, None]))
        metrics = folder.succeed(LINEAR, "model.constant=false")  # two of the trajectories are at rest, or nearly so
        assert all(np.isfinite(value) for value in metrics.values()), metrics
        for step in ("800", "1e12"):
            status, said = folder.run("forecast", "model.constant=false", f"forecast.step={step}", "forecast.steps=3")
            assert status == 0, said
            with h5py.File(folder.path / "run/trajectories.h5") as file:
                check(f"a step of {step}", np.abs(file["state"][:, 1:]).max(), 1e-30)


if __name__ == "__main__":
    main()
