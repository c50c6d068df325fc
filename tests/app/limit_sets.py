"""spnode limit_sets: against an independent computation, on any number of ranks, what it refuses."""
import csv
import unittest

import h5py
import numpy as np

from program import ProgramTest

MAP = """
output: run
seed: 3
data: {train: train.h5, validation: validation.h5, test: test.h5}
generate:
  system: sigmoid_map
  train: 20
  validation: 4
  test: 4
  t_end: 10
  times: 11
  vary: sigmoid_map.b
limit_sets:
  source: system
  parameter: sigmoid_map.b
  from: 0.05
  to: 0.95
  values: 19
  starts: 3
  transient: 3000
  length: 100000
"""
LEARNED = MAP + """
model:
  nonlinear: [network]
  linear: {structure: none}
  parameters: [b]
  network: {hidden: [5]}
integrator: {scheme: map}
training: {optimizers: [adam], batch: 64, adam: {epochs: 3}}
"""


def orbits_of_the_map(b, c, length, transient=20000):
    """Least period up to 64 (0: none) and largest Lyapunov exponent of the map at each b, by plain iteration."""
    x = np.full_like(b, 0.123)
    for _ in range(transient):
        x = 0.8 * x - 0.5 * (1 + np.tanh(c * x)) + b
    growth, last = np.zeros_like(b), []
    for k in range(length):
        growth += np.log(np.abs(0.8 - 0.5 * c / np.cosh(np.clip(c * x, -300, 300)) ** 2))
        x = 0.8 * x - 0.5 * (1 + np.tanh(c * x)) + b
        if k >= length - 200:
            last.append(x)
    last = np.array(last)
    period = np.zeros(len(b), int)
    for p in range(64, 0, -1):
        period[np.max(np.abs(last[p:] - last[:-p]), axis=0) < 1e-6] = p
    return period, growth / length


class LimitSets(ProgramTest):
    def table(self, run):
        with (self.folder / run / "limit_sets.csv").open() as stream:
            return list(csv.DictReader(stream))

    def test_periods_and_exponents_of_the_sigmoid_map_are_those_of_plain_iteration(self):
        self.write("deck.yaml", MAP)
        for c in (1, 5, 10, 50, 1000):
            # Exponents of chaotic orbits differ by their standard errors; those of periodic ones hardly at all.
            self.succeed(2, "limit_sets", "deck.yaml", f"generate.sigmoid_map.c={c}", "--overwrite",
                         "limit_sets.largest_period=64")
            rows = self.table("run")
            period, exponent = orbits_of_the_map(np.linspace(0.05, 0.95, 19), c, 100000)
            self.assertEqual(len(rows), 3 * 19)
            for i, row in enumerate(rows):
                with self.subTest(c=c, b=row["parameter"]):
                    expected = period[i // 3]
                    self.assertEqual(int(row["period"]), expected)
                    self.assertEqual(row["kind"], "fixed_point" if expected == 1 else
                                     "periodic" if expected else "chaotic")
                    error = float(row["exponent_error"])
                    self.assertLess(abs(float(row["exponent"]) - exponent[i // 3]), 1e-3 + 5 * error)
                    self.assertLess(error, 5e-3)

    def test_results_have_the_same_bits_on_any_number_of_ranks(self):
        self.write("deck.yaml", LEARNED)
        self.succeed(1, "generate", "deck.yaml")
        self.succeed(1, "train", "deck.yaml")
        short = ("limit_sets.length=300", "limit_sets.transient=20", "limit_sets.values=7")
        for words in (("generate.sigmoid_map.c=20",), ("limit_sets.source=model", "limit_sets.parameter=b")):
            seen = []
            for ranks in (1, 2, 3):
                self.succeed(ranks, "limit_sets", "deck.yaml", *short, *words, "--overwrite")
                with h5py.File(self.folder / "run" / "limit_sets.h5") as file:
                    arrays = {}
                    file.visititems(lambda name, item: arrays.update({name: item[()]})
                                    if isinstance(item, h5py.Dataset) and name != "deck" else None)
                seen.append((self.table("run"), {name: value.tobytes() for name, value in arrays.items()}))
            self.assertEqual(seen[0], seen[1])
            self.assertEqual(seen[0], seen[2])

    def test_map_is_trained_evaluated_and_forecast(self):
        self.write("deck.yaml", LEARNED)
        self.succeed(2, "run", "deck.yaml")
        self.succeed(2, "forecast", "deck.yaml", "forecast.step=1", "forecast.steps=30")
        self.refused(2, "is map, whose times count its applications: every interval must be 1; found 0.5", "forecast",
                     "deck.yaml", "forecast.step=0.5", "forecast.steps=3", "--overwrite")

    def test_what_cannot_be_is_refused(self):
        self.write("deck.yaml", LEARNED)
        self.succeed(1, "generate", "deck.yaml")
        for message, words in (
                ("limit_sets.parameter is 'b'", ("limit_sets.parameter=b",)),
                ("generate.system is stiff", ("generate.system=robertson", "limit_sets.parameter=epsilon")),
                ("generate.sigmoid_map.c", ("limit_sets.parameter=sigmoid_map.c", "limit_sets.from=-1")),
                ("limit_sets.values is 1", ("limit_sets.values=1",)),
                ("limit_sets.step is 1e-200", ("limit_sets.step=1e-200",)),
                ("limit_sets.component is 2", ("limit_sets.component=2",)),
                ("integrator.substeps is 2", ("integrator.substeps=2",))):
            self.refused(2, message, "limit_sets", "deck.yaml", *words)
        self.refused(2, "integrator.scheme is map, which has no linear part", "train", "deck.yaml",
                     "model.linear.structure=dense")
        self.refused(2, "a map does not have", "train", "deck.yaml", "loss.derivative=1")
        self.refused(3, "run/model.h5", "limit_sets", "deck.yaml", "limit_sets.source=model")
        self.succeed(1, "train", "deck.yaml")
        self.refused(2, "limit_sets.parameter is 'c', which is no parameter of the model", "limit_sets", "deck.yaml",
                     "limit_sets.source=model", "limit_sets.parameter=c")
        self.refused(2, "limit_sets.starts is 5", "limit_sets", "deck.yaml", "limit_sets.source=model",
                     "limit_sets.parameter=b", "limit_sets.starts=5")


if __name__ == "__main__":
    unittest.main(verbosity=2)
