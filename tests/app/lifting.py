"""Products of components as further latent components: van der Pol's equation, cubic in its state, becomes quadratic."""
import re
import unittest

import h5py
import numpy as np

from program import ProgramTest
from trajectories import rollout

DECK = """\
output: run
data: {train: train.h5, validation: test.h5, test: test.h5, window: 5, stride: 5}
model:
  nonlinear: [bilinear]
  bilinear: {rank: 3}
  linear: {mu: 3}
  lifting: {products: [0, 0]}
  initialisation: operator_inference
integrator: {scheme: etdrk4, substeps: 4}
training:
  optimizers: [gauss_newton]
  gauss_newton: {iterations: 15}
"""


def van_der_pol(u):
    return np.stack([u[:, 1], (1 - u[:, 0] ** 2) * u[:, 1] - u[:, 0]], 1)


class Lifting(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        for name, count, seed in (("train.h5", 20, 1), ("test.h5", 5, 2)):
            with h5py.File(self.folder / name, "w") as file:
                start = np.random.default_rng(seed).uniform(-2, 2, (count, 2))
                file["state"], file["time"] = rollout(van_der_pol, start, 0.1, 61, 20), 0.1 * np.arange(61)

    def error(self, *words):
        self.succeed(2, "train", "deck.yaml", *words)
        output = self.succeed(2, "evaluate", "deck.yaml", *words).output
        return float(re.search(r"normalised_rms_error +(\S+)", output).group(1))

    def test_a_cubic_equation_is_quadratic_with_the_square_of_a_component(self):
        self.assertLess(self.error(), 1e-3)
        with h5py.File(self.folder / "run/forecast.h5") as file:  # of the components of the data
            self.assertEqual(file["state"].shape[-1], 2)
        self.assertGreater(self.error("output=flat", "model.lifting.products=[]", "model.bilinear.rank=2",
                                      "training.gauss_newton.iterations=5"), 1e-2)


if __name__ == "__main__":
    unittest.main()
