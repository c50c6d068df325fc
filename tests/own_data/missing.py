"""Trajectories of different length and states with missing components train a model as complete ones do.

    missing.py SPNODE MPIEXEC
"""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

DECK = """output: run
data: {train: nan_times.h5, validation: validation.h5, window: 2, allow_missing: true}
model: {initialisation: operator_inference, linear: {mu: 15}, nonlinear: [bilinear], bilinear: {rank: 3}}
integrator: {scheme: etdrk4, substeps: 2}
training: {batch: 64, adam: {epochs: 2, rate: 1.0e-4}}
"""
WRONG_DECK, BAD_FILE = 2, 3


def lorenz(count, times, seed):
    """States (count, times, 3) on the attractor, and their times."""
    def f(u):
        x, y, z = u.T
        return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=1)

    state, h = np.random.default_rng(seed).normal(size=(count, 3)) + [0, 0, 25], 0.001
    states = []
    for k in range(10 * times + 2000):
        if k >= 2000 and k % 10 == 0:
            states.append(state)
        a = f(state)
        b = f(state + h / 2 * a)
        c = f(state + h / 2 * b)
        state = state + h / 6 * (a + 2 * b + 2 * c + f(state + h * c))
    return np.stack(states, axis=1), 0.01 * np.arange(times)


def write(name, state, time, attributes=None):
    with h5py.File(name, "w") as file:
        file["state"], file["time"] = state, time
        for key, value in (attributes or {}).items():
            file["state"].attrs[key] = value


def write_all():
    x, t = lorenz(6, 300, 1)
    write("full.h5", x, t)
    write("validation.h5", *lorenz(2, 100, 2))
    lengths = [300, 150, 200, 180, 120, 260]
    times = np.tile(t, (6, 1))
    for n, length in enumerate(lengths):
        write(f"one_{n}.h5", x[n:n + 1, :length], t[:length])
        x[n, length:] = times[n, length:] = np.nan
    write("nan_times.h5", x, times)
    write("nan_states.h5", x, t)
    holes = lorenz(6, 300, 1)[0]
    holes[np.random.default_rng(3).random(holes.shape) < 0.01] = np.nan
    write("holes.h5", holes, t)
    write("marks.h5", np.where(np.isnan(holes), -999, holes), t)
    filled = np.where(np.isnan(holes), 1e20, holes)
    write("filled.h5", filled, t, {"_FillValue": np.array([1e20]), "missing_value": np.nan})
    write("filled_single.h5", filled.astype(np.float32), t)
    end = lorenz(2, 100, 2)[0]
    end[1, 0, 2] = -9999
    write("bad_start.h5", end, t[:100])


def run(program, mpiexec, ranks, *words):
    done = subprocess.run([mpiexec, "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), program, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def trained(program, mpiexec, ranks, *words):
    status, output = run(program, mpiexec, ranks, "train", "deck.yaml", "--overwrite", *words)
    assert status == 0, (words, output)
    with h5py.File("run/model.h5") as file:
        matrix = file["A_L" if "A_L" in file else "nonlinear/library/Xi"]
        return file.attrs["validation_loss"], matrix[()].tobytes()


def refused(program, mpiexec, status, text, *words):
    for ranks in (1, 2):
        found = run(program, mpiexec, ranks, *words)
        assert found[0] == status and text in found[1] and found[1].count("error") == 1, (words, found)


def main(program, mpiexec):
    write_all()
    with open("deck.yaml", "w") as file:
        file.write(DECK)
    expected = trained(program, mpiexec, 1)
    assert expected[0] < 1e-10, expected
    for words in ([], ["data.train=nan_states.h5"], ["data.train=one_*.h5"],
                  ["data.train=[one_0.h5, one_1.h5, one_2.h5, one_3.h5, one_4.h5, one_5.h5]"]):
        for ranks in (1, 2, 3):
            assert trained(program, mpiexec, ranks, *words) == expected, (words, ranks)
    holes = trained(program, mpiexec, 1, "data.train=holes.h5")
    assert holes[0] < 1e-10, holes
    assert trained(program, mpiexec, 2, "data.train=holes.h5") == holes
    for words in (["data.train=marks.h5", "data.missing_values=[-999]"], ["data.train=filled.h5"]):
        for ranks in (1, 2):
            assert trained(program, mpiexec, ranks, *words) == holes, (words, ranks)
    assert trained(program, mpiexec, 1, "data.train=filled_single.h5", "data.missing_values=[-1, 1e20]")[0] < 1e-8
    for words in (["model.initialisation=sparse_regression", "model.nonlinear=[library]", "model.linear.structure=none",
                   "integrator.scheme=rk4"],
                  ["model.initialisation=dmd", "model.nonlinear=[]"],
                  ["model.latent_dimension=1", "model.autoencoder.enabled=true", "training.adam.epochs=1"]):
        words.append("data.train=holes.h5")
        assert trained(program, mpiexec, 1, *words) == trained(program, mpiexec, 2, *words)

    train = ["train", "deck.yaml", "--overwrite"]
    refused(program, mpiexec, BAD_FILE, "is nan; every value must be finite (allow_missing declares", *train,
            "data.allow_missing=false")
    refused(program, mpiexec, BAD_FILE, "the times of /state are", *train, "data.allow_missing=false", "data.train=one_*.h5")
    refused(program, mpiexec, WRONG_DECK, "the term derivative of the loss needs the states of several times", *train,
            "loss.derivative=1")
    refused(program, mpiexec, BAD_FILE, "which marks a missing value; every value must be known", *train,
            "data.allow_missing=false", "data.train=filled.h5")
    undeclared = "a number that often marks a missing value (", "Name it in missing_values"
    for name in ("marks.h5", "filled_single.h5"):
        for text in undeclared:
            refused(program, mpiexec, BAD_FILE, text, *train, "data.train=" + name)
    refused(program, mpiexec, BAD_FILE, undeclared[0], "suggest", "marks.h5")
    # A value as any other, to which something else is the mark.
    status, output = run(program, mpiexec, 1, *train, "data.train=marks.h5", "data.missing_values=[-998]")
    assert "missing" not in output, (status, output)
    trained(program, mpiexec, 1)
    refused(program, mpiexec, BAD_FILE, undeclared[0], "evaluate", "deck.yaml", "data.test=bad_start.h5")
    refused(program, mpiexec, BAD_FILE, "is nan; every value must be finite", "evaluate", "deck.yaml",
            "data.test=nan_states.h5")


if __name__ == "__main__":
    arguments = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main(*arguments)
