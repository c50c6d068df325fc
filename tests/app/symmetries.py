"""Symmetries: forecasts from an image of a state are the images of its forecast, whatever the data were."""
import unittest

import h5py
import numpy as np

from program import ProgramTest
from trajectories import rollout

WRONG_DECK = 2

DECK = """\
output: run
data: {train: right.h5, validation: right.h5, test: both.h5, window: 2}
model:
  linear: {mu: 20}
  nonlinear: [bilinear, network]
  bilinear: {rank: 3}
  network: {hidden: [5]}
  initialisation: operator_inference
  symmetries: {signs: [-1, -1, 1]}
integrator: {scheme: etdrk4, substeps: 2}
training:
  optimizers: [adam, gauss_newton]
  tile: 8
  batch: 64
  adam: {epochs: 2, rate: 1.0e-4}
  gauss_newton: {iterations: 3}
"""
FLIP = np.array([-1.0, -1.0, 1.0])


def lorenz(u):
    x, y, z = u.T
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], 1)


class Symmetries(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        start = np.random.default_rng(1).uniform([4, 4, 20], [10, 10, 30], (20, 3))
        right = rollout(lorenz, start, 0.02, 16, 20)
        right = right[(right[..., 0] > 0).all(axis=1)]
        self.data("right.h5", right)
        self.data("both.h5", np.concatenate([right[:4], right[:4] * FLIP]))

    def data(self, name, state):
        with h5py.File(self.folder / name, "w") as file:
            file["state"], file["time"] = state, 0.02 * np.arange(state.shape[1])

    def forecast(self, *words):
        self.succeed(2, "forecast", "deck.yaml", *words)
        with h5py.File(self.folder / "run/trajectories.h5") as file:
            return file["state"][...]

    def test_forecasts_commute_with_a_symmetry_that_the_data_do_not_show(self):
        self.succeed(2, "train", "deck.yaml")
        state = self.forecast()
        np.testing.assert_allclose(state[4:], state[:4] * FLIP, rtol=1e-12, atol=1e-12)
        with h5py.File(self.folder / "both.h5") as file:
            self.assertLess(np.abs(state - file["state"]).max(), 0.5)  # deviations are 8
        with h5py.File(self.folder / "run/model.h5") as file:
            A = file["A_L"][...]
            self.assertEqual(file["scaling/shift"][:2].tolist(), [0, 0])
        np.testing.assert_allclose(A * np.outer(FLIP, FLIP), A, rtol=0, atol=0)

    def test_a_run_has_the_same_bits_on_any_number_of_ranks(self):
        models = []
        for ranks in (1, 3):
            self.succeed(ranks, "train", "deck.yaml", f"output=run{ranks}")
            with h5py.File(self.folder / f"run{ranks}/model.h5") as file:
                found = {}
                file.visititems(lambda name, item: found.update({name: item[...].tobytes()})
                                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
            models.append(found)
        self.assertEqual(models[0], models[1])

    def test_a_library_starts_with_the_equations_of_both_halves(self):
        output = self.succeed(2, "train", "deck.yaml", "model.nonlinear=[library]", "model.linear.structure=none",
                              "model.initialisation=sparse_regression", "integrator.scheme=rk4",
                              "training.adam.epochs=1", "training.gauss_newton.iterations=1").output
        for words in ("du_0/dt = -10 u_0 + 10 u_1", "du_1/dt = 28 u_0 - u_1 - u_0 u_2"):
            self.assertIn(words, output.replace("9.99999", "10"))

    def test_symmetries_that_do_not_fit_are_refused(self):
        self.refused(WRONG_DECK, "model.symmetries.signs has 2 numbers, but the states have 3 components", "train",
                     "deck.yaml", "model.symmetries.signs=[1, -1]")
        self.refused(WRONG_DECK, "model.symmetries.signs needs the states as they are; autoencoder.enabled is true",
                     "train", "deck.yaml", "model.autoencoder.enabled=true", "model.latent_dimension=2")
        self.refused(WRONG_DECK, "model.scaling.shift must not change under the symmetries of the model; found 1 for "
                     "component 0 and -1 for its image", "train", "deck.yaml", "model.scaling.kind=manual",
                     "model.scaling.shift=[1, 0, 0]")


if __name__ == "__main__":
    unittest.main()
