"""Fast-slow models: the same bits on any number of ranks, T(x) over the data, the slow manifold, and bad input."""
import csv
import signal
import unittest

import h5py
import numpy as np

from program import ProgramTest, numbers

WRONG_DECK, BAD_FILE = 2, 3

DECK = """\
output: run
data: {train: train.h5, validation: test.h5, test: test.h5, window: 0}
model:
  parameters: [epsilon]
  scaling: {kind: none}
  linear: {structure: fast_schur, slow_dimension: 1, rate_min: 1.0, rate_max: 2.0, fast: {hidden: [3]}}
  nonlinear: [slow, fast_bilinear, fast_linear]
  network: {hidden: [4]}
integrator: {scheme: imex_ark3}
training:
  optimizers: [adam, gauss_newton]
  tile: 4
  batch: 8
  adam: {epochs: 2}
  gauss_newton: {iterations: 3}
"""


START = ["model.initialisation=fast_slow", "data.slow=slow.h5", "model.linear.structure=fast_dissipative",
         "model.linear.fast.dependence=constant", "model.slow.form=library", "model.library.degree=1"]

# Losses of data of both scales, FSNN (4.1).
LOSSES = ["data.slow=near.h5", "data.manifold=manifold.h5", "loss.fast=0.5", "loss.slow=1e-2", "loss.slow_data.slow=1e-2",
          "loss.slow_data.trajectory=1", "loss.manifold_data.manifold=1", "model.coupling_flow.enabled=true",
          "model.coupling_flow.split=1", "model.coupling_flow.hidden=[3]"]


def write_data(path, epsilon, seed=1, times=6, end=2, on_manifold=False):
    """x' = -eps x, y' = [-1, 2; -2, -1] y, exactly; on the slow manifold y = 0."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, end, times)
    x = rng.uniform(-1, 1, len(epsilon))[:, None] * np.exp(-np.outer(epsilon, time))
    start = rng.uniform(0.5, 1, len(epsilon)) * np.exp(2j * np.pi * rng.uniform(size=len(epsilon)))
    y = (0 if on_manifold else start[:, None]) * np.exp((-1 - 2j) * time)
    with h5py.File(path, "w") as file:
        file["state"], file["time"] = np.stack(np.broadcast_arrays(x, y.real, y.imag), axis=-1), time
        file["parameters/epsilon"] = epsilon


class FastSlow(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        epsilon = 10 ** np.random.default_rng(3).uniform(-3, -1, 20)
        write_data(self.folder / "train.h5", epsilon)
        write_data(self.folder / "test.h5", epsilon[:6], 2)
        write_data(self.folder / "slow.h5", epsilon[6:], 4)

    def model(self):
        with h5py.File(self.folder / "run/model.h5", "r") as file:
            found = {}
            file.visititems(lambda name, item: found.update({name: item[...].tobytes()})
                            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
            return found

    def test_model_has_the_same_bits_on_any_number_of_ranks(self):
        for words in ([], ["integrator.scheme=etdrk4", "model.linear.structure=fast_dissipative", "model.slow.form=library"],
                      ["integrator.scheme=imex_ssp2", "model.linear.fast.dependence=constant", "model.precision=mixed",
                       "model.fast_bilinear.coefficients=network"],
                      START):
            models = []
            for ranks in (1, 2, 3):
                self.succeed(ranks, "train", "deck.yaml", *words, "--overwrite")
                models.append(self.model())
            self.assertEqual(models[0], models[1], words)
            self.assertEqual(models[0], models[2], words)

    def write_both_scales(self):
        epsilon = 10 ** np.random.default_rng(6).uniform(-3, -1, 14)
        write_data(self.folder / "near.h5", epsilon, 4, end=20, on_manifold=True)
        write_data(self.folder / "manifold.h5", np.zeros(10), 5, times=2, on_manifold=True)

    def test_data_of_both_scales_train_together_with_the_same_bits_on_any_number_of_ranks(self):
        self.write_both_scales()
        for words in ([], ["training.optimizers=[gauss_newton]", "training.gauss_newton.solver=cg"]):
            models = set()
            for ranks in (1, 2, 3):
                said = self.succeed(ranks, "train", "deck.yaml", *LOSSES, *words, "--overwrite").output
                models.add(tuple(self.model().values()))
            self.assertEqual(len(models), 1, words)
        self.assertIn("near.h5: 13 windows of 5 intervals, on the slow manifold\n", said)
        self.assertIn("manifold.h5: 9 windows of 1 intervals\n", said)
        header = (self.folder / "run/history.csv").read_text().splitlines()[0].split(",")
        for term in ("trajectory", "slow", "fast", "manifold"):
            self.assertIn(term, header)
            self.assertIn("validation_" + term, header)

    def test_killed_run_on_data_of_both_scales_resumes_to_the_same_bits(self):
        self.write_both_scales()
        words = [*LOSSES, "training.adam.epochs=600", "training.checkpoint_epochs=1", "training.spectrum_every=0"]
        self.interrupt(2, signal.SIGKILL, *words, "--overwrite")
        before = (self.folder / "run/history.csv").read_text().count("\n")
        self.assertLess(before, 600)
        self.succeed(3, "train", "deck.yaml", *words, "--resume")
        resumed, history = self.model(), (self.folder / "run/history.csv").read_text().splitlines()
        self.succeed(1, "train", "deck.yaml", *words, "--overwrite")
        self.assertEqual(self.model(), resumed)
        self.assertEqual(len(history), len((self.folder / "run/history.csv").read_text().splitlines()))

    def test_run_on_data_of_both_scales_is_not_resumed_with_other_data(self):
        self.write_both_scales()
        self.succeed(1, "train", "deck.yaml", *LOSSES)
        for name in ("near.h5", "manifold.h5"):
            with h5py.File(self.folder / name, "r+") as file:
                file["state"][0, 0, 0] += 1e-3
            self.refused(BAD_FILE, name, "train", "deck.yaml", *LOSSES, "--resume")
            with h5py.File(self.folder / name, "r+") as file:
                file["state"][0, 0, 0] -= 1e-3

    def test_data_of_both_scales_find_the_system(self):
        self.write_both_scales()
        self.succeed(2, "train", "deck.yaml", *LOSSES, "integrator.scheme=etdrk4", "training.adam.epochs=40",
                     "training.gauss_newton.iterations=60", "loss.slow=1e-5", "loss.slow_data.slow=1e-5")
        self.succeed(2, "evaluate", "deck.yaml", "evaluate.mode=slow", "evaluate.data=near.h5")
        with open(self.folder / "run/history.csv") as file:
            rows = list(csv.DictReader(file))
        for term in ("trajectory", "slow", "fast", "manifold"):
            self.assertLess(float(rows[-1][term]), 1e-3 * float(rows[0][term]), term)

    def test_losses_without_their_data_are_refused(self):
        for word, message in (
                ("loss.slow_data.slow=1", "loss.slow_data.slow has a weight, but data.slow names no file"),
                ("loss.manifold_data.manifold=1", "loss.manifold_data.manifold has a weight, but data.manifold names no file"),
                ("loss.slow_data.jacobian=1", "loss.slow_data.jacobian")):
            self.refused(WRONG_DECK, message, "train", "deck.yaml", word)
        plain = ["model.linear.structure=dense", "model.linear.slow_dimension=0", "model.nonlinear=[]"]
        self.refused(WRONG_DECK, "loss.slow needs a fast-slow model", "train", "deck.yaml", *plain, "loss.slow=1")
        self.refused(WRONG_DECK, "loss.slow_data.slow has a weight, but the model is not fast-slow; found dense", "train",
                     "deck.yaml", *plain, "loss.slow_data.slow=1", "data.slow=slow.h5")
        with h5py.File(self.folder / "slow.h5", "a") as file:
            file["parameters/epsilon"][3] = -1.0
        self.refused(BAD_FILE, "slow.h5: /parameters/epsilon has the value -1", "train", "deck.yaml", "data.slow=slow.h5",
                     "loss.slow_data.slow=1")

    def test_spectrum_holds_the_eigenvalues_of_all_states(self):
        self.succeed(2, "train", "deck.yaml", "integrator.scheme=etdrk4", "training.adam.epochs=40",
                     "training.gauss_newton.iterations=40")
        outcome = self.succeed(2, "spectrum", "deck.yaml", "spectrum.states=12")
        self.assertIn("Spectrum of T(x) (2 x 2", outcome.output)
        with h5py.File(self.folder / "run/spectrum.h5", "r") as file:
            self.assertEqual(file["state"].shape, (12, 3))
            eigenvalues = file["states_real"][...] + 1j * file["states_imag"][...]
            self.assertEqual(file.attrs["spectral_abscissa"], file["states_real"][...].max())
            self.assertEqual(file.attrs["states_examined"], 12)
        np.testing.assert_allclose(eigenvalues, np.tile([-1 + 2j, -1 - 2j], (12, 1)), atol=1e-3)
        self.refused(WRONG_DECK, "spectrum.data and data.test are empty", "spectrum", "deck.yaml", "--overwrite", "data.test=''")

    def test_slow_manifold_is_where_the_fast_variables_are_zero(self):
        self.succeed(2, "train", "deck.yaml")
        self.succeed(2, "forecast", "deck.yaml", "forecast.mode=slow", "forecast.step=25", "forecast.steps=40")
        with h5py.File(self.folder / "run/trajectories.h5", "r") as file:
            state = file["state"][...]
        self.assertTrue(np.isfinite(state).all())
        self.assertEqual(np.abs(state[:, :, 1:]).max(), 0.0)
        self.assertGreater(np.abs(np.diff(state[:, :, 0])).max(), 0.0)
        self.succeed(2, "evaluate", "deck.yaml", "evaluate.mode=slow")

    def test_slow_mode_of_another_model_is_refused(self):
        self.succeed(1, "train", "deck.yaml", "model.linear.structure=dense", "model.linear.slow_dimension=0",
                     "model.nonlinear=[]", "integrator.scheme=etd1")
        for command, word in (("forecast", "forecast.mode=slow"), ("forecast", "forecast.mode=hybrid"), ("evaluate", "evaluate.mode=slow"),
                              ("evaluate", "evaluate.mode=hybrid"), ("closure", "closure.trajectories=0")):
            self.refused(WRONG_DECK, "the model has no slow manifold: its linear.structure is dense", command, "deck.yaml", word)
        self.assertFalse((self.folder / "run/closure.h5").exists())

    def write_complete_data(self):
        epsilon = 10 ** np.random.default_rng(3).uniform(-3, -1, 20)  # times that integrals through them are exact for
        for name, part, seed in (("train.h5", epsilon, 1), ("test.h5", epsilon[:6], 2), ("slow.h5", epsilon[6:], 4)):
            write_data(self.folder / name, part, seed, times=21)

    def exact_model(self):
        """Trains the system of write_data, which least squares find."""
        self.write_complete_data()
        self.succeed(2, "train", "deck.yaml", *START, "training.optimizers=[]", "integrator.substeps=8")

    def test_hybrid_forecast_changes_to_the_slow_manifold_on_any_number_of_ranks(self):
        self.exact_model()
        for words in (["forecast.fast_step=0.1", "forecast.substeps=1"], ["forecast.tolerance=1e-8", "forecast.fast_step=0.5"],
                      ["forecast.fast_step=0.1", "forecast.substeps=1", "forecast.ensemble.members=3"]):
            count = 18 if "members" in words[-1] else 6
            digests, said = [], []
            for ranks in (1, 2, 3):
                said += self.succeed(ranks, "forecast", "deck.yaml", "forecast.mode=hybrid", "forecast.step=25", "forecast.steps=20",
                                     "--overwrite", *words).output.splitlines()[-1:]
                digests.append(numbers(self.folder / "run/trajectories.h5"))
            self.assertEqual(len(set(digests)), 1, words)
            self.assertEqual(len(set(said)), 1, words)
            # |y| = exp(-t) |y_0| from at most 1 on.
            self.assertRegex(said[0], rf"^{count} of {count} trajectories reached the slow manifold, after 13\.\d+ time units in the mean")
            with h5py.File(self.folder / "run/trajectories.h5", "r") as file:
                state, time, epsilon = file["state"][...], file["time"][...], file["parameters/epsilon"][...]
            np.testing.assert_array_equal(state[:, 1:, 1:], 0.0)
            self.assertGreater(np.abs(state[:, 0, 1:]).min(), 0.0)
            exact = state[:, :1, 0] * np.exp(-np.outer(epsilon, time - time[..., :1] if time.ndim == 1 else time[0] - time[0, 0]))
            np.testing.assert_allclose(state[:, :, 0], exact, atol=5e-3)
        said = self.succeed(1, "forecast", "deck.yaml", "forecast.mode=hybrid", "forecast.step=0.1", "forecast.steps=10",
                            "--overwrite").output
        self.assertIn("0 of 6 trajectories reached the slow manifold\n", said)

    def test_hybrid_evaluation_says_when_the_manifold_was_reached(self):
        self.exact_model()
        tables = set()
        for ranks in (1, 2, 3):
            self.succeed(ranks, "evaluate", "deck.yaml", "evaluate.mode=hybrid", "evaluate.fast_tolerance=0.5", "--overwrite")
            tables.add((self.folder / "run/metrics.csv").read_text(encoding="utf-8"))
        self.assertEqual(len(tables), 1)
        lines = dict(line.split(",,") for line in tables.pop().splitlines() if ",," in line)
        self.assertEqual(float(lines["reached_slow_manifold"]), 6)
        self.assertLess(float(lines["mean_time_to_slow_manifold"]), float(lines["last_time_to_slow_manifold"]))
        self.assertLess(float(lines["last_time_to_slow_manifold"]), 0.7)  # log 2, at most

    def test_hybrid_forecast_that_cannot_be_is_refused(self):
        self.succeed(1, "train", "deck.yaml")
        for words, message in (
                (["forecast.fast_tolerance=0"], "forecast.fast_tolerance must be a number (above 0)"),
                (["forecast.fast_step=-1"], "forecast.fast_step must be a number (at least 0)"),
                (["forecast.step=-0.1", "forecast.steps=5"], "mode hybrid goes forward in time, in which the fast variables decay"),
                (["forecast.times=[0, -1, -2]"], "mode hybrid goes forward in time"),
                (["forecast.step=1e6", "forecast.steps=5", "forecast.fast_step=1e-9"], "has more than 1e9 steps")):
            self.refused(WRONG_DECK, message, "forecast", "deck.yaml", "forecast.mode=hybrid", *words)
        self.assertFalse((self.folder / "run/trajectories.h5").exists())

    def test_closure_is_the_slow_equations_at_the_states_of_the_data(self):
        self.exact_model()
        with h5py.File(self.folder / "test.h5", "a") as file:
            state, epsilon = file["state"][...], file["parameters/epsilon"][...]
            slow = -epsilon[:, None] * state[..., 0]
            file["derivatives"] = np.stack([slow, -state[..., 1] + 2 * state[..., 2], -2 * state[..., 1] - state[..., 2]], axis=-1)
        digests = set()
        for ranks in (1, 2, 3):
            said = self.succeed(ranks, "closure", "deck.yaml", "--overwrite").output
            digests.add(numbers(self.folder / "run/closure.h5"))
        self.assertEqual(len(digests), 1)
        with h5py.File(self.folder / "run/closure.h5", "r") as file:
            np.testing.assert_array_equal(file["state"][..., 0], state[..., 0])
            np.testing.assert_array_equal(file["state"][..., 1:], 0.0)
            np.testing.assert_allclose(file["derivatives"][..., 0], slow, atol=1e-6)
            np.testing.assert_array_equal(file["derivatives"][..., 1:], 0.0)
            np.testing.assert_array_equal(file["parameters/epsilon"][...], epsilon)
        figures = {line[:54].strip(): [float(x) for x in line[54:].split()] for line in said.splitlines()
                   if line.startswith(("  distance", "  norm", "  d/dt"))}
        off = np.linalg.norm(state[..., 1:], axis=-1)
        for name in ("distance of the states from the slow manifold", "norm of the latent fast variables"):
            np.testing.assert_allclose(figures[name], [np.sqrt(np.mean(off**2)), off.max()], rtol=1e-3)
        self.assertLess(figures["d/dt of the latent slow variables"][0], 1e-4)
        self.assertGreater(figures["d/dt of all components"][0], 0.9)  # the states are far from the manifold
        # The closure is data, too.
        self.succeed(1, "train", "deck.yaml", "data.train=run/closure.h5", "data.validation=run/closure.h5", "output=other",
                     "loss.derivative=1", "loss.derivatives=given", "training.optimizers=[adam]")
        self.succeed(1, "closure", "deck.yaml", "closure.data=run/closure.h5", "closure.output=again.h5", "closure.trajectories=2")
        with h5py.File(self.folder / "again.h5", "r") as file:
            self.assertEqual(file["state"].shape, (2, 21, 3))

    def test_closure_that_cannot_be_is_refused(self):
        self.succeed(1, "train", "deck.yaml")
        self.refused(WRONG_DECK, "closure.data and data.test are empty", "closure", "deck.yaml", 'data.test=""')
        self.refused(WRONG_DECK, "the closure", "closure", "deck.yaml", "closure.output=test.h5", "--overwrite")
        self.refused(BAD_FILE, "absent.h5", "closure", "deck.yaml", "closure.data=absent.h5")
        with h5py.File(self.folder / "test.h5", "a") as file:
            del file["parameters/epsilon"]
        self.refused(BAD_FILE, "/parameters/epsilon is missing; the model depends on it", "closure", "deck.yaml")
        self.assertFalse((self.folder / "run/closure.h5").exists())

    def test_start_from_data_finds_the_system(self):
        self.write_complete_data()
        words = (*START, "training.optimizers=[]", "integrator.substeps=8")
        said = self.succeed(2, "train", "deck.yaml", *words).output
        self.assertIn("start: relative residuals of least squares: fast equations", said)
        self.succeed(1, "evaluate", "deck.yaml", *words, "evaluate.require_error=1e-4")

    def test_resumed_start_refuses_other_data(self):
        self.succeed(1, "train", "deck.yaml", *START, "training.gauss_newton.iterations=2", "training.checkpoint_epochs=1")
        write_data(self.folder / "other.h5", np.full(14, 0.1), 4)
        self.refused(BAD_FILE, "slow data", "train", "deck.yaml", *START, "data.slow=other.h5",
                     "training.gauss_newton.iterations=2", "training.checkpoint_epochs=1", "--resume")

    def test_start_without_its_data_is_refused(self):
        self.refused(WRONG_DECK, "model.initialisation is fast_slow, which needs windows near the slow manifold", "train",
                     "deck.yaml", *START, 'data.slow=""')
        self.refused(BAD_FILE, "absent.h5: no such file", "train", "deck.yaml", *START, "data.slow=absent.h5")
        with h5py.File(self.folder / "slow.h5", "a") as file:
            state = file["state"][..., :2]
            del file["state"]
            file["state"] = state
        self.refused(BAD_FILE, "slow.h5: /state has 2 components; train.h5 has 3", "train", "deck.yaml", *START)

    def test_bad_epsilon_is_refused(self):
        good = self.folder / "test.h5"
        for train in ("absent.h5", "negative.h5", "short.h5"):
            (self.folder / train).write_bytes(good.read_bytes())
        with h5py.File(self.folder / "absent.h5", "a") as file:
            del file["parameters/epsilon"]
        with h5py.File(self.folder / "negative.h5", "a") as file:
            file["parameters/epsilon"][3] = -0.25
        with h5py.File(self.folder / "short.h5", "a") as file:
            del file["parameters/epsilon"]
            file["parameters/epsilon"] = np.ones(5)
        self.succeed(1, "train", "deck.yaml")
        for name, message in (("absent.h5", "absent.h5: /parameters/epsilon is missing; the model depends on it"),
                              ("negative.h5", "negative.h5: /parameters/epsilon has the value -0.25"),
                              ("short.h5", "short.h5: /parameters/epsilon")):
            self.refused(BAD_FILE, message, "train", "deck.yaml", "data.train=" + name, "output=other")
            self.refused(BAD_FILE, message, "forecast", "deck.yaml", "forecast.data=" + name, "forecast.output=new.h5")
            self.refused(BAD_FILE, message, "evaluate", "deck.yaml", "evaluate.data=" + name)
            self.refused(BAD_FILE, message, "spectrum", "deck.yaml", "spectrum.data=" + name)
        self.refused(WRONG_DECK, "limit_sets.from goes below 0", "limit_sets", "deck.yaml", "limit_sets.model=run/model.h5",
                     "limit_sets.data=test.h5", "limit_sets.starts=1", "limit_sets.parameter=epsilon", "limit_sets.from=-0.1")

    def test_decks_that_contradict_themselves_are_refused(self):
        for word, message in (
                ("model.linear.slow_dimension=0", "model.linear.slow_dimension = 0: structure fast_schur or fast_dissipative needs"),
                ("model.linear.slow_dimension=3", "model.linear.slow_dimension = 3, but the latent state has 3 variables"),
                ("model.linear.mu=0.5", "model.linear.mu = 0.5, but the fast variables of a fast-slow system decay"),
                ("model.parameters=[]", "model.parameters must name epsilon"),
                ("model.nonlinear=[bilinear]", "model.nonlinear names bilinear, but a fast-slow system has the terms slow"),
                ("model.linear.structure=dense", "model.linear.slow_dimension = 1"),
                ("model.linear.fast.dependence=hats", "model.linear.fast.low has 0 values, high 0; hats need one value of both"),
                ("integrator.linear=taylor", "model.linear.structure is fast_schur, which has one way to act"),
                ("forecast.mode=fast", "forecast.mode must be one of full, slow, hybrid"),
                ("model.initialisation=dmd", "model.initialisation is dmd, which needs"),
                ("model.initialisation=fast_slow", "model.initialisation is fast_slow, which needs linear.structure"),
                ("model.slow.form=state", "model.slow.form is state, a function of the state behind the coupling flow"),
                ("data.slow=slow.h5", "data.slow is given, but neither does loss.slow_data give a term a weight")):
            self.refused(WRONG_DECK, message, "train", "deck.yaml", word)


if __name__ == "__main__":
    unittest.main()
