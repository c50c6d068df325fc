"""What the program promises: the same bits on any number of ranks and after any interruption; one command for
everything; files of other people."""
import csv
import math
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

from program import DECK, PROGRAM, ProgramTest, numbers, seal


class SameBits(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml")

    def model(self, output="run"):
        return numbers(self.folder / output / "model.h5")

    def test_generated_data_are_bitwise_the_same_on_1_2_3_ranks(self):
        expected = [numbers(self.folder / name) for name in ("train.h5", "validation.h5", "test.h5")]
        for ranks in (1, 3):
            self.succeed(ranks, "generate", "deck.yaml", "--overwrite")
            found = [numbers(self.folder / name) for name in ("train.h5", "validation.h5", "test.h5")]
            self.assertEqual(found, expected)

    def test_model_is_bitwise_the_same_on_1_2_3_4_ranks(self):
        for words in ([], ["training.optimizers=[adam, lbfgs]", "training.lbfgs.iterations=10"],
                      ["model.scaling.kind=component", "loss.component_weights=variance",
                       "model.autoencoder.enabled=true", "model.autoencoder.hidden=[5]",
                       "training.pretrain_epochs=3", "loss.latent=0.5"],
                      ["model.precision=mixed", "model.scaling.kind=component"],
                      ["model.initialisation=operator_inference", "data.every=[1, 2]", "data.window=2"],
                      ["model.initialisation=operator_inference", "model.nonlinear=[lipschitz]"],
                      ["model.initialisation=dmd"],
                      ["training.starts=3", "training.start_epochs=2", "training.optimizers=[adam, gauss_newton]",
                       "training.gauss_newton.iterations=3"],
                      ["model.initialisation=sparse_regression", "model.linear.structure=none",
                       "model.nonlinear=[library]", "model.library.frequencies=[1]", "integrator.scheme=rk4"],
                      ["integrator.scheme=rodas3", "training.optimizers=[adam, gauss_newton]", "training.gauss_newton.iterations=3"],
                      ["integrator.scheme=rodas4p", "integrator.tolerance=1e-6",
                       "training.optimizers=[adam, gauss_newton]", "training.gauss_newton.iterations=3"]):
            models = set()
            for ranks in (1, 2, 3, 4):
                self.succeed(ranks, "train", "deck.yaml", *words, "--overwrite")
                models.add(self.model())
            self.assertEqual(len(models), 1, words)

    COUPLING_FLOW = ["model.parameters=[epsilon]", "model.scaling.kind=component", "model.coupling_flow.enabled=true",
                     "model.coupling_flow.conditioners=[linear, network, product]", "model.coupling_flow.layers=2",
                     "model.coupling_flow.affine_bound=2", "model.coupling_flow.network_bound=2",
                     "model.coupling_flow.scale_bound=2", "loss.latent=0.5",
                     "loss.derivative=0.1", "loss.derivatives=given",
                     "training.optimizers=[adam, gauss_newton]", "training.gauss_newton.iterations=3"]

    def generate_with_epsilon(self):
        self.succeed(2, "generate", "deck.yaml", "generate.vary=epsilon", "generate.vary_from=0.1",
                     "generate.vary_spread=logarithmic", "generate.derivatives=true", "--overwrite")

    def test_model_with_a_coupling_flow_is_bitwise_the_same_on_1_2_3_4_ranks(self):
        self.generate_with_epsilon()
        models = set()
        for ranks in (1, 2, 3, 4):
            self.succeed(ranks, "train", "deck.yaml", *self.COUPLING_FLOW, "--overwrite")
            models.add(self.model())
        self.assertEqual(len(models), 1)
        with h5py.File(self.folder / "run/model.h5") as file:
            bounds = [file.attrs[f"lipschitz_{way}_latent"] for way in ("to", "from")]
        self.assertTrue(all(bound > 1 for bound in bounds), bounds)
        described = self.succeed(1, "info", "run/model.h5").output
        for text in ("lipschitz_to_latent", "coupling_flow/layer2/second/shift/product/factor1/layer1/W"):
            self.assertIn(text, described)
        found = self.succeed(1, "spectrum", "deck.yaml").output
        self.assertIn("lipschitz_from_latent", found)

    def test_killed_run_of_a_coupling_flow_resumes_to_the_same_bits(self):
        self.generate_with_epsilon()
        flow = self.COUPLING_FLOW[:9]
        self.interrupt(2, signal.SIGKILL, *flow, "--overwrite")
        self.succeed(3, "train", "deck.yaml", *self.LONG, *flow, "--resume")
        resumed = self.model()
        self.succeed(1, "train", "deck.yaml", *self.LONG, *flow, "--overwrite")
        self.assertEqual(self.model(), resumed)

    def test_model_file_of_a_coupling_flow_is_checked(self):
        self.generate_with_epsilon()
        self.succeed(1, "train", "deck.yaml", *self.COUPLING_FLOW)
        path, name = self.folder / "run/model.h5", "coupling_flow/layer1/affine/U"
        with h5py.File(path, "r+") as file:
            file[name][0] = math.nan
        seal(path)
        outcome = self.spnode(2, "evaluate", "deck.yaml", *self.COUPLING_FLOW)
        self.assertEqual(outcome.statuses, [3, 3], outcome.output)
        self.assertIn(f"/{name} holds nan", outcome.output)

    def test_learned_equations_are_printed_by_train_and_by_info(self):
        self.succeed(2, "generate", "deck.yaml", "generate.times=101", "--overwrite")
        words = ["model.initialisation=sparse_regression", "model.linear.structure=none", "model.nonlinear=[library]",
                 "integrator.scheme=rk4", "training.optimizers=[]", "model.scaling.kind=component"]
        trained = self.succeed(2, "train", "deck.yaml", *words)
        equations = "du_0/dt = -2 u_0 + 10 u_1\ndu_1/dt = -2 u_1\n"
        self.assertTrue(equations in trained.output, trained.output)
        self.assertIn(equations, self.succeed(1, "info", "run/model.h5").output)
        once = self.model()
        self.succeed(3, "train", "deck.yaml", *words, "--resume")
        self.assertEqual(self.model(), once)

    def test_model_of_losses_on_derivatives_is_bitwise_the_same_on_1_2_3_4_ranks(self):
        self.succeed(2, "generate", "deck.yaml", "generate.tangents=2", "--overwrite")
        for words in (["training.optimizers=[adam, gauss_newton]", "training.gauss_newton.iterations=4"],
                      ["model.autoencoder.enabled=true", "loss.second_difference_form=forward"]):
            models = set()
            for ranks in (1, 2, 3, 4):
                self.succeed(ranks, "train", "deck.yaml", "loss.jacobian=0.3", "loss.second_difference=0.1", *words,
                             "--overwrite")
                models.add(self.model())
            self.assertEqual(len(models), 1, words)

    def test_jacobian_of_an_exact_model_has_no_error(self):
        self.succeed(1, "generate", "deck.yaml", "generate.tangents=2", "--overwrite")
        self.succeed(1, "train", "deck.yaml", "model.nonlinear=[]", "loss.trajectory=0", "loss.jacobian=1",
                     "training.optimizers=[gauss_newton]", "training.gauss_newton.iterations=30", "--overwrite")
        errors = []
        for ranks in (1, 3):
            self.succeed(ranks, "evaluate", "deck.yaml", "--overwrite")
            with (self.folder / "run/metrics.csv").open(newline="") as file:
                errors.append({row["metric"]: float(row["value"]) for row in csv.DictReader(file)
                               if row["metric"].endswith("jacobian_error")})
        self.assertEqual(sorted(errors[0]), ["jacobian_error", "relative_jacobian_error"])
        self.assertEqual(errors[0], errors[1])
        self.assertLess(errors[0]["relative_jacobian_error"], 1e-6)

    def test_history_has_columns_of_the_terms_that_are_computed(self):
        self.succeed(2, "train", "deck.yaml", "model.autoencoder.enabled=true", "model.autoencoder.hidden=[5]",
                     "training.pretrain_epochs=2", "training.validate_every=1", "loss.weight_decay=1e-6",
                     "loss.monitor=[latent]")
        with (self.folder / "run/history.csv").open(newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        self.assertEqual(list(rows[0])[3:12],
                         ["loss", "trajectory", "reconstruction", "weight_decay", "validation_loss",
                          "validation_trajectory", "validation_latent", "validation_reconstruction",
                          "validation_weight_decay"])
        for number, row in enumerate(rows):
            pretrained = number < 2
            known = {name: not math.isnan(row[name]) for name in list(row)[3:12]}
            self.assertEqual(known, {name: name.endswith("loss") or pretrained == name.endswith("reconstruction")
                                     for name in known}, row)
            terms = (row["reconstruction"],) if pretrained else (row["trajectory"], 1e-6 * row["weight_decay"])
            self.assertTrue(math.isclose(row["loss"], sum(terms), rel_tol=1e-12), row)

    def test_metrics_and_forecasts_are_bitwise_the_same_on_1_2_3_ranks(self):
        self.succeed(2, "train", "deck.yaml")
        for precision in ("double", "mixed"):
            results = set()
            for ranks in (1, 2, 3):
                for command in ("evaluate", "forecast"):
                    self.succeed(ranks, command, "deck.yaml", f"model.precision={precision}", "--overwrite")
                results.add((self.folder / "run/metrics.csv").read_text() +
                            numbers(self.folder / "run/forecast.h5") + numbers(self.folder / "run/trajectories.h5"))
            self.assertEqual(len(results), 1, precision)

    def test_statistics_are_bitwise_the_same_on_1_2_3_ranks(self):
        system = ["generate.system=grad13", "generate.t_end=1", "evaluate.spatial_period=1", "evaluate.long_run=20",
                  f"evaluate.conserved={[1] * 30}", "evaluate.fine_data=test.h5", "training.adam.epochs=2"]
        self.succeed(2, "generate", "deck.yaml", *system, "--overwrite")
        self.succeed(2, "train", "deck.yaml", *system)
        results = set()
        for ranks in (1, 2, 3):
            self.succeed(ranks, "evaluate", "deck.yaml", *system, "--overwrite")
            results.add((self.folder / "run/metrics.csv").read_text() + numbers(self.folder / "run/statistics.h5"))
        self.assertEqual(len(results), 1)

    # Long enough to be stopped in the middle.
    LONG = ["training.adam.epochs=1500", "training.checkpoint_epochs=1", "training.spectrum_every=0"]

    def interrupt(self, ranks, chosen, *words):
        return super().interrupt(ranks, chosen, *self.LONG, *words)

    def test_killed_and_resumed_run_gives_the_bits_of_one_never_killed(self):
        for word in ("model.precision=double", "model.precision=mixed", "training.adam.shared_from=1"):
            words = [word, *self.LONG]
            self.interrupt(2, signal.SIGKILL, word, "--overwrite")
            self.assertIn("of a training that has not ended", self.succeed(1, "evaluate", "deck.yaml", "--overwrite").output)
            self.succeed(3, "train", "deck.yaml", *words, "--resume")
            resumed, history = self.model(), (self.folder / "run/history.csv").read_text().splitlines()
            self.succeed(1, "train", "deck.yaml", *words, "--overwrite")
            self.assertEqual(self.model(), resumed)
            again = (self.folder / "run/history.csv").read_text().splitlines()
            for one, other in zip(history, again, strict=True):  # all columns but the seconds
                self.assertEqual(one.split(",")[:-1], other.split(",")[:-1])

    def test_model_can_be_used_while_the_training_runs(self):
        process = self.start(2, "train", "deck.yaml", "training.adam.epochs=1000000", "training.checkpoint_epochs=0",
                             "training.adam.rate=1e-5", "--overwrite")
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and self.attributes()["epoch"] == 0:
                time.sleep(0.2)
            found = self.attributes()
            self.assertGreater(found["epoch"], 0)
            self.assertEqual(found["finished"], 0)
            for command in ("evaluate", "forecast", "spectrum"):
                self.assertIn("the best model so far", self.succeed(1, command, "deck.yaml").output)
            self.assertIsNone(process.poll())
            self.refused(2, "another run writes into this directory", "train", "deck.yaml", "--overwrite")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def attributes(self):
        """Those of the model, which may appear only now."""
        try:
            with h5py.File(self.folder / "run/model.h5") as file:
                return dict(file.attrs)
        except OSError:
            return {"epoch": 0}

    def test_training_that_was_killed_before_its_first_checkpoint_starts_again(self):
        words = [*self.LONG[:1], "training.checkpoint_epochs=0", "training.spectrum_every=0"]
        self.interrupt(2, signal.SIGKILL, *words[1:])
        self.assertNotIn("run/checkpoint.h5", self.files())
        (self.folder / "run/lock").unlink()
        self.refused(2, "run/model.h5 exists: pass --overwrite", "train", "deck.yaml", *words, "seed=5")
        self.succeed(2, "train", "deck.yaml", *words)
        self.assertEqual(self.attributes()["finished"], 1)
        os.unlink(self.folder / "run/checkpoint.h5")
        self.refused(2, "run/model.h5 exists: pass --overwrite", "train", "deck.yaml", *words)

    def test_signal_leads_to_a_checkpoint_and_status_75(self):
        for chosen in (signal.SIGTERM, signal.SIGUSR1):
            status, output = self.interrupt(2, chosen, "training.checkpoint_epochs=400", "--overwrite")
            self.assertEqual(status, 75, output)
            self.assertEqual(output.count("run again with --resume"), 1, output)
            self.succeed(1, "train", "deck.yaml", *self.LONG, "training.checkpoint_epochs=400", "--resume")


class WholeRun(ProgramTest):
    def test_run_does_everything_and_a_second_one_takes_what_is_there(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "run", "deck.yaml")
        self.assertEqual(self.files(), sorted(["deck.yaml", "train.h5", "validation.h5", "test.h5"] + [
            "run/" + name for name in ("checkpoint.h5", "deck.yaml", "forecast.h5", "history.csv", "metrics.csv",
                                       "model.h5", "spectrum.csv", "spectrum.h5")]))
        before = {name: (self.folder / name).stat().st_mtime_ns for name in self.files()}
        self.succeed(2, "run", "deck.yaml")
        self.assertEqual({name: (self.folder / name).stat().st_mtime_ns for name in self.files()}, before)

    def test_second_run_repeats_the_verdict_and_takes_the_deck_at_its_word(self):
        self.write("deck.yaml", DECK)
        too_much = "evaluate.require_valid_time=1e9"
        for ranks in (1, 2, 3):
            outcome = self.spnode(ranks, "run", "deck.yaml", too_much)
            self.assertEqual(outcome.statuses, [4] * ranks, outcome.output)
            self.assertEqual(outcome.output.count("evaluate.require_valid_time asks for"), 1, outcome.output)
            self.assertIn("run/spectrum.h5", self.files())
        self.succeed(2, "run", "deck.yaml")
        outcome = self.spnode(2, "run", "deck.yaml", "evaluate.require_error=1e-9")
        self.assertEqual(outcome.statuses, [4, 4], outcome.output)
        outcome = self.spnode(2, "run", "deck.yaml", "evaluate.threshold=0.1", too_much)
        self.assertEqual(outcome.statuses, [2, 2], outcome.output)
        with h5py.File(self.folder / "run/spectrum.h5", "r+") as file:
            file.attrs["bound_respected"] = 0.0
        seal(self.folder / "run/spectrum.h5")
        outcome = self.spnode(2, "run", "deck.yaml", too_much)
        self.assertEqual(outcome.statuses, [4, 4], outcome.output)
        self.assertIn("violates the bound", outcome.output)
        self.assertIn("evaluate.require_valid_time asks for", outcome.output)

    def test_second_run_makes_what_a_killed_one_left_out(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "run", "deck.yaml")
        files = self.files()
        for missing in ("metrics.csv", "forecast.h5", "spectrum.csv", "spectrum.h5"):
            (self.folder / "run" / missing).unlink()
            self.succeed(2, "run", "deck.yaml")
            self.assertEqual(self.files(), files)

    def test_second_run_does_not_take_the_results_of_an_earlier_model(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "run", "deck.yaml")
        first = (self.folder / "run/metrics.csv").read_text()
        self.succeed(2, "train", "deck.yaml", "training.adam.epochs=1", "--overwrite")
        self.succeed(2, "run", "deck.yaml")
        second = (self.folder / "run/metrics.csv").read_text()
        self.assertNotEqual(second, first)
        self.succeed(2, "train", "deck.yaml", "--overwrite")
        with h5py.File(self.folder / "run/model.h5", "r+") as file:  # as if killed before the first checkpoint
            file.attrs["finished"] = 0.0
            file["nonlinear/bilinear/b"][...] += 1.0
        seal(self.folder / "run/model.h5")
        (self.folder / "run/checkpoint.h5").unlink()
        self.succeed(2, "run", "deck.yaml")
        self.assertEqual((self.folder / "run/metrics.csv").read_text(), first)

    def test_resolved_deck_trains_the_same_model(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "run", "deck.yaml")
        before = numbers(self.folder / "run/model.h5")
        self.write("resolved.yaml", (self.folder / "run/deck.yaml").read_text())
        self.succeed(2, "train", "resolved.yaml", "--overwrite")
        self.assertEqual(numbers(self.folder / "run/model.h5"), before)

    def test_schemes_are_compared_in_one_table(self):
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")
        script = Path(__file__).resolve().parents[2] / "app/plots/compare_schemes.py"
        done = subprocess.run([sys.executable, "-B", script, "deck.yaml", "--spnode", PROGRAM, "--refine", "2",
                               "--schemes", "etd1", "rk4"], cwd=self.folder, capture_output=True, text=True, check=False)
        if "python3-matplotlib" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split(" | ")[0] for line in done.stdout.splitlines() if line[0] == "|"],
                         ["| scheme", "| ---", "| etd1", "| rk4"])
        for name in ("comparison.csv", "comparison.png", "etd1/model.h5", "rk4/finer/metrics.csv"):
            self.assertTrue((self.folder / "run/compare" / name).is_file(), name)

    def test_program_runs_without_mpirun(self):
        self.write("deck.yaml", DECK)
        self.command = lambda ranks, *words: ["env", "OMPI_COMM_WORLD_RANK=0", *words]
        self.assertIn("model:", self.succeed(1, "check", "deck.yaml").output)

    def test_petsc_options_reach_the_optimizer(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml")
        output = self.succeed(2, "train", "deck.yaml", "training.adam.epochs=2", "-tao_test_gradient").output
        differences = [float(line.split("||G - Gfd||/||G|| =")[1].split(",")[0]) for line in output.splitlines()
                       if "2-norm ||G - Gfd||/||G||" in line]
        self.assertTrue(differences, output)
        self.assertLess(max(differences), 1e-5)


class Forecasts(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml")
        self.succeed(2, "train", "deck.yaml")

    def test_forecast_backwards_returns_to_where_it_came_from(self):
        words = ["forecast.substeps=64"]
        self.succeed(2, "forecast", "deck.yaml", "forecast.step=0.1", "forecast.steps=10", *words)
        self.succeed(2, "forecast", "deck.yaml", "forecast.data=run/trajectories.h5", "forecast.start=10",
                     "forecast.step=-0.1", "forecast.steps=10", "forecast.output=run/back.h5", *words)
        with h5py.File(self.folder / "run/back.h5") as back, h5py.File(self.folder / "test.h5") as start:
            np.testing.assert_allclose(back["time"][...], np.linspace(1, 0, 11), atol=1e-12)
            np.testing.assert_allclose(back["state"][:, -1], start["state"][:, 0], atol=1e-2)
            self.assertGreater(np.abs(back["state"][:, 0] - start["state"][:, 0]).max(), 0.1)

    def test_forecast_takes_any_times_of_the_deck(self):
        self.succeed(2, "forecast", "deck.yaml", "forecast.times=[0, 0.001, 0.7, 5]", "forecast.trajectories=4")
        with h5py.File(self.folder / "run/trajectories.h5") as file:
            self.assertEqual(file["state"].shape, (4, 4, 2))
            self.assertEqual(list(file["time"]), [0, 0.001, 0.7, 5])
            self.assertEqual(file.attrs["format"], b"spnode.trajectories")

    def test_forecast_on_the_times_of_the_data_is_what_evaluate_compares(self):
        self.succeed(2, "forecast", "deck.yaml")
        self.succeed(2, "evaluate", "deck.yaml")
        with h5py.File(self.folder / "run/trajectories.h5") as alone, h5py.File(self.folder / "run/forecast.h5") as beside:
            np.testing.assert_array_equal(alone["state"][...], beside["state"][...])
            with h5py.File(self.folder / "test.h5") as test:
                np.testing.assert_array_equal(beside["truth"][...], test["state"][...])

    def test_forecasts_of_any_kind_are_bitwise_the_same_on_1_2_3_ranks(self):
        for words in (["forecast.step=0.3", "forecast.steps=100000"], ["forecast.tolerance=1e-7"],
                      ["forecast.ensemble.members=5", "forecast.step=-0.1", "forecast.steps=3"]):
            results = set()
            for ranks in (1, 2, 3):
                self.succeed(ranks, "forecast", "deck.yaml", *words, "--overwrite")
                results.add(numbers(self.folder / "run/trajectories.h5"))
            self.assertEqual(len(results), 1, words)

    def test_memory_of_a_forecast_does_not_grow_with_its_length(self):
        def peak(steps):  # of the larger rank, in MiB
            script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
                      "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)")
            done = subprocess.run([sys.executable, "-c", script, *self.command(
                1, PROGRAM, "forecast", "deck.yaml", "forecast.step=0.5", f"forecast.steps={steps}", "--overwrite")],
                cwd=self.folder, text=True, capture_output=True, check=True)
            return float(done.stdout.split("peak")[1])

        short, long = peak(1000), peak(800000)
        self.assertGreater((self.folder / "run/trajectories.h5").stat().st_size, 60 * 2**20)
        self.assertLess(long - short, 30, f"{short} and {long} MiB")

    def test_ensembles_are_spread_around_their_initial_states(self):
        self.succeed(2, "forecast", "deck.yaml", "forecast.ensemble.members=50", "forecast.ensemble.perturbation=0.1",
                     "forecast.times=[0, 1]", "forecast.trajectories=3")
        with h5py.File(self.folder / "run/trajectories.h5") as file, h5py.File(self.folder / "test.h5") as test:
            np.testing.assert_array_equal(file["parameters/trajectory"], np.repeat([0, 1, 2], 50))
            np.testing.assert_array_equal(file["parameters/member"], np.tile(np.arange(50), 3))
            first = file["state"][:, 0].reshape(3, 50, 2)
            np.testing.assert_allclose(first[:, 0], test["state"][:3, 0], atol=1e-14)
            self.assertAlmostEqual(np.std(first[:, 1:] - first[:, :1]), 0.1, delta=0.02)

    def test_diverging_forecast_leaves_no_file(self):
        outcome = self.spnode(2, "forecast", "deck.yaml", "forecast.tolerance=1e-6", "forecast.step=-50",
                              "forecast.steps=40")
        self.assertEqual(outcome.statuses, [5, 5], outcome.output)
        self.assertEqual(outcome.errors, 1, outcome.output)
        self.assertEqual([name for name in self.files() if "trajectories" in name], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
