"""Positive components: logarithmic coordinates keep forecasts above 0, and data that are not are refused."""
import unittest

import h5py
import numpy as np

from program import ProgramTest
from trajectories import prey_and_predators, rollout

WRONG_DECK, BAD_FILE = 2, 3

DECK = """\
output: run
data: {train: train.h5, validation: test.h5, test: test.h5, window: 5}
model:
  linear: {structure: none}
  nonlinear: [network]
  network: {hidden: [12]}
  positive: {coordinates: log}
integrator: {scheme: rk4}
training:
  optimizers: [adam, gauss_newton]
  tile: 8
  batch: 32
  adam: {epochs: 5, rate: 1.0e-2}
  gauss_newton: {iterations: 5}
forecast: {step: 0.5, steps: 400}
"""


def populations(count, seed):
    """Lotka-Volterra from states whose orbits come near 0."""
    start = np.random.default_rng(seed).uniform([4, 0.05], [7, 0.5], (count, 2))
    return rollout(prey_and_predators, start, 0.1, 41, 20), 0.1 * np.arange(41)


class Positive(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        for name, count, seed in (("train.h5", 16, 1), ("test.h5", 4, 2)):
            self.data(name, *populations(count, seed))

    def data(self, name, state, time):
        with h5py.File(self.folder / name, "w") as file:
            file["state"], file["time"] = state, time

    def test_forecasts_far_beyond_the_data_stay_positive(self):
        for function in ("log", "softplus"):
            words = [f"model.positive.coordinates={function}", f"output={function}"]
            self.succeed(2, "train", "deck.yaml", *words)
            self.succeed(2, "forecast", "deck.yaml", *words)
            with h5py.File(self.folder / function / "trajectories.h5") as file:
                state = file["state"][...]
            self.assertEqual(state.shape, (4, 401, 2))
            self.assertTrue(np.all(state > 0) and np.all(np.isfinite(state)), state.min())
            self.assertLess(state.min(), 0.2)

    def test_a_run_has_the_same_bits_on_any_number_of_ranks(self):
        models = []
        for ranks in (1, 3):
            self.succeed(ranks, "train", "deck.yaml", f"output=run{ranks}", "training.gauss_newton.iterations=2")
            with h5py.File(self.folder / f"run{ranks}/model.h5") as file:
                found = {}
                file.visititems(lambda name, item: found.update({name: item[...].tobytes()})
                                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
            self.assertIn("positive/deviation", found)
            models.append(found)
        self.assertEqual(models[0], models[1])

    def test_data_that_are_not_positive_are_refused(self):
        state, time = populations(4, 3)
        state[2, 7, 1] = 0.0
        self.data("zero.h5", state, time)
        says = "zero.h5: /state has the value 0 of component 1; model.positive.coordinates is log, for which it must be " \
               "above 0"
        self.refused(BAD_FILE, says, "train", "deck.yaml", "data.train=zero.h5")
        self.refused(BAD_FILE, says, "train", "deck.yaml", "data.validation=zero.h5")
        self.succeed(2, "train", "deck.yaml", "data.train=zero.h5", "model.positive.components=[0]",
                     "training.optimizers=[adam]")
        self.succeed(1, "train", "deck.yaml", "--overwrite", "training.optimizers=[adam]")
        self.succeed(2, "evaluate", "deck.yaml", "data.test=zero.h5")  # its initial states are positive
        state[3, 0, 0] = -1.0
        self.data("negative.h5", state, time)
        self.refused(BAD_FILE, "negative.h5: /state has the value -1 of component 0", "evaluate", "deck.yaml",
                     "data.test=negative.h5", "--overwrite")
        self.refused(WRONG_DECK, "model.positive.components names component 2", "train", "deck.yaml",
                     "model.positive.components=[2]", "--overwrite")


if __name__ == "__main__":
    unittest.main()
