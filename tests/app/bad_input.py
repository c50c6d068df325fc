"""Every kind of bad input gets one message that names what and where, its exit status on all ranks, and no
half-written file."""
import shutil
import unittest

import h5py
import numpy as np

from program import DECK, ProgramTest, seal

UNKNOWN_COMMAND, WRONG_DECK, BAD_FILE, CHECK_FAILED, BROKEN_NUMERICS = 2, 2, 3, 4, 5


class BadCommandLine(ProgramTest):
    def test_no_command_prints_the_usage(self):
        self.refused(UNKNOWN_COMMAND, "usage: [mpirun -n N] spnode COMMAND DECK.yaml")

    def test_unknown_command_is_refused_with_the_nearest_one(self):
        self.refused(UNKNOWN_COMMAND, "unknown command 'trian'; did you mean 'train'?", "trian", "deck.yaml")

    def test_missing_deck_is_named(self):
        self.refused(WRONG_DECK, "absent.yaml: the deck cannot be read: No such file", "train", "absent.yaml")

    def test_command_without_a_deck_is_refused(self):
        self.refused(UNKNOWN_COMMAND, "spnode train needs a file; none is given", "train")

    def test_unknown_flag_is_refused(self):
        self.write("deck.yaml", DECK)
        self.refused(UNKNOWN_COMMAND, "unexpected '--resmue' on the command line", "train", "deck.yaml", "--resmue")

    def test_unused_petsc_option_is_reported(self):
        self.write("deck.yaml", DECK)
        outcome = self.succeed(2, "generate", "deck.yaml", "-tao_tpye", "lmvm")
        self.assertEqual(outcome.output.count("option -tao_tpye is not used"), 1, outcome.output)


class BadDeck(ProgramTest):
    def refused_deck(self, text, message, *words):
        self.write("deck.yaml", text)
        self.refused(WRONG_DECK, message, "check", "deck.yaml", *words)

    def test_misspelt_key(self):
        self.refused_deck("model:\n  bilinear:\n    rnak: 3\n",
                          "deck.yaml:3:5: unknown key 'model.bilinear.rnak'; did you mean 'model.bilinear.rank'?")

    def test_wrong_type(self):
        self.refused_deck("training: {batch: many}\n",
                          "deck.yaml:1:19: training.batch must be an integer (at least 1, at most 2147483647); found 'many'")

    def test_value_out_of_range(self):
        self.refused_deck("training: {batch: 0}\n", "must be an integer (at least 1, at most 2147483647); found '0'")

    def test_order_of_differences_that_is_odd(self):
        self.refused_deck("loss: {derivative_order: 3}\n", "deck.yaml:1:8: loss.derivative_order must be even; found 3")

    def test_source_of_derivatives_that_is_unknown(self):
        self.refused_deck("loss: {derivatives: gven}\n", "loss.derivatives must be one of differences, given; found 'gven'; did you mean 'given'?")

    def test_contradictory_keys(self):
        self.refused_deck("loss: {trajectory: 0}\n", "deck.yaml:1:8: loss.trajectory is 0, and so are latent")

    def test_nesting_too_deep(self):
        self.refused_deck("data: {times: " + 3000 * "[", "not valid YAML: nested too deep; at most 500 levels")

    def test_control_characters_are_escaped(self):
        for text in ('training: {batch: "\\e[31m"}\n', '"\\e[31m": 1\n', 'training: {optimizers: ["\\e[31m"]}\n'):
            self.refused_deck(text, "\\x1b[31m")

    def test_zero_byte_in_a_path(self):
        self.refused_deck('data: {train: "train.h5\\0x"}\n', "data.train must be text without zero bytes")

    def test_wrong_override(self):
        self.refused_deck("", "command line: training.batch=abc: training.batch must be", "training.batch=abc")


class BadNumbers(ProgramTest):
    """Numbers beyond what can be held, counted or computed."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")

    def test_integer_beyond_its_largest_value(self):
        for value in ("18446744073709551614", "18446744073709551616", "9223372036854775808", "-1"):
            self.refused(WRONG_DECK, "model.bilinear.rank must be an integer (at least 1, at most 1000000); found '" + value,
                         "train", "deck.yaml", "model.bilinear.rank=" + value)

    def test_training_beyond_the_memory(self):
        for words in (["model.bilinear.rank=1000000", "training.optimizers=[gauss_newton]", "training.gauss_newton.solver=dense"],
                      ["model.bilinear.rank=1000000", "training.optimizers=[lbfgs]", "training.lbfgs.history=10000"]):
            for command in ("check", "train"):
                self.refused(WRONG_DECK, "a training of 8000009 parameters in tiles of 2 windows", command, "deck.yaml", *words)

    def test_file_beyond_the_disk(self):
        words = ("generate", "deck.yaml", "data.train=new.h5", "data.validation=''", "data.test=''", "generate.train=2147483647")
        self.refused(BAD_FILE, "new.h5: would be 206 PB large; the file system has", *words, "generate.times=6000000")

    def test_block_beyond_the_memory(self):
        self.refused(WRONG_DECK, "a block of trajectories of generate.times = 2147483647 needs 653 GB of memory", "generate",
                     "deck.yaml", "--overwrite", "generate.times=2147483647")

    def test_steps_that_cannot_be_counted(self):
        self.refused(WRONG_DECK, "generate.step is 1e-300; allowed: 2^31 steps at most", "generate", "deck.yaml", "--overwrite",
                     "generate.system=kuramoto_sivashinsky", "generate.step=1e-300")

    def test_times_that_do_not_differ(self):
        self.refused(WRONG_DECK, "generate.t_end is 5e-324; allowed: so far from t_start", "generate", "deck.yaml", "--overwrite",
                     "generate.t_end=5e-324")

    def test_reference_solution_that_breaks_down(self):
        self.refused(BROKEN_NUMERICS, "generate.t_end is 1e+308", "generate", "deck.yaml", "--overwrite",
                     "generate.system=robertson", "generate.t_end=1e308")

    def test_forecast_steps_beyond_the_numbers(self):
        self.succeed(1, "train", "deck.yaml")
        self.refused(WRONG_DECK, "forecast.step times steps is not finite; found 1.0e+308 and 3", "forecast",
                     "deck.yaml", "forecast.step=1e308", "forecast.steps=3")
        self.refused(BROKEN_NUMERICS, "forecast.step = 1e+300: phi functions: the 1-norm of step * A is", "forecast",
                     "deck.yaml", "forecast.step=1e300", "forecast.steps=3")
        self.refused(WRONG_DECK, "evaluate.long_run = 1e+300 are", "evaluate", "deck.yaml", "evaluate.long_run=1e300")

    def test_order_that_is_used_is_said(self):
        outcome = self.succeed(2, "train", "deck.yaml", "model.initialisation=operator_inference", "model.inference_order=100")
        self.assertIn("start: operator inference of order 4 leaves", outcome.output)


class BadPaths(ProgramTest):
    """Paths that are no files: directories, loops of links, names too long, folders that are not there."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")
        (self.folder / "directory").mkdir()
        (self.folder / "loop").symlink_to("loop")

    def test_data(self):
        for path, reason in (("directory", "is a directory"), ("loop", "Too many levels of symbolic links"),
                             (300 * "x", "File name too long"), ("absent/train.h5", "no such file")):
            self.refused(BAD_FILE, reason, "train", "deck.yaml", "data.train=" + path)

    def test_model(self):
        for path in ("directory", "loop", 300 * "x", "absent/model.h5"):
            self.refused(BAD_FILE, path + ": ", "spectrum", "deck.yaml", "spectrum.model=" + path)

    def test_output(self):
        for path, reason in (("loop/run", "Too many levels of symbolic links"), (300 * "x", "File name too long"),
                             ("deck.yaml/run", "Not a directory")):
            self.refused(BAD_FILE, reason, "train", "deck.yaml", "output=" + path)
        self.refused(WRONG_DECK, "output is empty", "train", "deck.yaml", "output=''")


class BadData(ProgramTest):
    """A good set of files of which one is then spoilt."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml")

    def refused_file(self, message, command="train", *words):
        self.refused(BAD_FILE, message, command, "deck.yaml", *words)

    def test_missing_file(self):
        (self.folder / "train.h5").unlink()
        self.refused_file("train.h5: no such file")

    def test_file_that_is_not_hdf5(self):
        self.write("train.h5", "hello\n")
        self.refused_file("train.h5")

    def test_data_without_the_products_that_the_loss_needs(self):
        message = "train.h5: /tangents is missing; the loss compares the model's Jacobian-vector products with it"
        for command in ("train", "check"):
            self.refused_file(message, command, "loss.jacobian=1")
        self.succeed(2, "generate", "deck.yaml", "generate.tangents=2", "--overwrite")
        with h5py.File(self.folder / "validation.h5", "r+") as file:
            del file["tangents"]
        self.refused_file("validation.h5: /tangents is missing", "train", "loss.jacobian=1")
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["tangents/products"][3, 1, 0, 1] = np.nan
        self.refused_file("train.h5: /tangents/products[3, 1, 0, 1] is nan; every value must be finite", "train",
                          'data.validation=""', "loss.jacobian=1")
        self.succeed(2, "train", "deck.yaml", 'data.validation=""')  # without the term nobody reads them

    def test_more_tangents_than_components(self):
        self.refused(WRONG_DECK, "generate.tangents is 3; allowed: at most the number of components", "generate",
                     "deck.yaml", "generate.tangents=3", "--overwrite")

    def test_windows_too_short_for_second_differences(self):
        self.refused(WRONG_DECK, "loss.second_difference needs windows of at least 2 intervals; found 1", "train",
                     "deck.yaml", "loss.second_difference=1", "data.times=[0, 5]")

    def test_truncated_file(self):
        path = self.folder / "train.h5"
        path.write_bytes(path.read_bytes()[:-200])
        self.refused_file("train.h5")

    def test_nan_in_the_data_is_found_by_the_rank_that_reads_it(self):
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["state"][11, 3, 1] = np.nan
        self.refused_file("train.h5: /state[11, 3, 1]")

    def test_wrong_shape(self):
        with h5py.File(self.folder / "train.h5", "w") as file:
            file["state"], file["time"] = np.zeros((12, 6)), np.arange(6.0)
        self.refused_file("train.h5: /state has the shape")

    def test_one_time(self):
        with h5py.File(self.folder / "train.h5", "w") as file:
            file["state"], file["time"] = np.zeros((12, 1, 2)), np.zeros(1)
        self.refused_file("train.h5: /state has 12 trajectories of 1 times; at least one of two times is needed")

    def test_derivatives_that_are_missing_misshapen_or_not_finite(self):
        given = ("loss.derivatives=given", "loss.derivative=1")
        self.refused_file("train.h5: /derivatives is missing; loss.derivatives is given, which needs it", "train", *given)
        self.succeed(1, "generate", "deck.yaml", "--overwrite", "generate.derivatives=true")
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["derivatives"][11, 3, 1] = np.nan
        self.refused_file("train.h5: /derivatives[11, 3, 1] is nan; every value must be finite", "train", *given)
        with h5py.File(self.folder / "validation.h5", "r+") as file:
            del file["derivatives"]
        self.refused_file("validation.h5: /derivatives is missing", "train", *given)
        with h5py.File(self.folder / "train.h5", "r+") as file:
            del file["derivatives"]
            file["derivatives"] = np.zeros((12, 6))
        self.refused_file("train.h5: /derivatives has the shape (12, 6); /state needs (12, 6, 2)")

    def test_missing_dataset(self):
        with h5py.File(self.folder / "train.h5", "r+") as file:
            del file["time"]
        self.refused_file("train.h5: /time is missing")

    def test_time_that_is_not_monotone(self):
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["time"][3] = file["time"][2]
        self.refused_file("train.h5: /time")

    def test_validation_data_of_another_system(self):
        with h5py.File(self.folder / "validation.h5", "w") as file:
            file["state"], file["time"] = np.zeros((4, 6, 3)), np.arange(6.0)
        self.refused_file("validation.h5: /state has 3 components; train.h5 has 2")

    def test_window_longer_than_the_trajectories(self):
        self.refused(WRONG_DECK, "command line: data.window=9: data.window = 9 intervals of 1 each (every), but the trajectories have 5", "train",
                     "deck.yaml", "data.window=9")

    def test_latent_dimension_without_an_autoencoder(self):
        self.refused(WRONG_DECK, "command line: model.latent_dimension=1: model.latent_dimension = 1, but the states have 2", "train", "deck.yaml",
                     "model.latent_dimension=1")

    def test_options_that_do_not_fit_the_data_are_named_with_their_place(self):
        for key, message, *words in (
            ("model.scaling.shift=[1,2,3]", "model.scaling.shift has 3 values; the states have 2", "model.scaling.kind=manual"),
            ("data.times=[0,99]", "data.times must increase and stay below the number of times, 6; found 99", "data.window=1"),
            ("integrator.linear=taylor", "integrator.linear is taylor, which has no implicit stages", "integrator.scheme=imex_ars2"),
            ("integrator.adjoint=continuous", "integrator.adjoint is continuous, which needs scheme: rk4; found etd1", "integrator.scheme=etd1"),
            ("integrator.adjoint=continuous", "integrator.adjoint is continuous, but training.optimizers names gauss_newton", "integrator.scheme=rk4",
             "training.optimizers=[gauss_newton]"),
            ("integrator.tolerance=1e-6", "integrator.tolerance is 1e-06, but the continuous adjoint takes equal steps",
             "integrator.adjoint=continuous", "integrator.scheme=rk4", "model.linear.structure=none"),
            ("integrator.tolerance=1e-6", "integrator.tolerance is 1e-06, but a map has no steps to choose", "integrator.scheme=map",
             "model.linear.structure=none"),
            ("integrator.tolerance=-1", "integrator.tolerance must be a number (at least 0)"),
            ("integrator.scheme=rodas4p", "integrator.scheme is rodas4p, which solves linear systems of all components of every state: at "
             "most 64; the model has 65", "model.autoencoder.enabled=true", "model.autoencoder.pod=false",
             "model.autoencoder.hidden=[4]", "model.latent_dimension=65"),
            ("model.order=2", "model.order is 2, which needs linear.structure: none; found dense"),
            ("model.order=3", "model.order must be an integer (at least 1, at most 2)"),
            ("model.initialisation=operator_inference", "model.initialisation does not suit the data: operator inference needs",
             "data.times=[0,1]", "data.window=1"),
            ("model.initialisation=sparse_regression", "model.initialisation does not suit the data: a sparse regression needs at "
             "least as many equations as there are functions, 231; found 24", "model.linear.structure=none",
             "model.nonlinear=[library]", "model.library.degree=20", "integrator.scheme=rk4"),
            ("model.initialisation=sparse_regression", "model.initialisation does not suit the data: the weak form of a sparse "
             "regression needs trajectories of more times than its window of 20 intervals; found 6", "model.linear.structure=none",
             "model.nonlinear=[library]", "model.sparse_regression.derivatives=weak", "integrator.scheme=rk4")):
            self.refused(WRONG_DECK, f"command line: {key}: {message}", "train", "deck.yaml", key, *words)

    def test_data_are_not_generated_over_existing_ones(self):
        self.refused(WRONG_DECK, "train.h5 exists", "generate", "deck.yaml")
        # A file that is not written may exist.
        self.succeed(1, "generate", "deck.yaml", "data.train=new.h5", "generate.validation=0", "generate.test=0")

    def test_check_opens_the_files(self):
        (self.folder / "test.h5").write_text("hello\n")
        self.refused_file("test.h5", "check")


class BadRun(ProgramTest):
    """A good run of which one file is then spoilt, or that is used wrongly."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml")

    def train(self):
        self.succeed(2, "train", "deck.yaml")

    def test_unwritable_output_directory(self):
        self.write("run", "a file where the directory should be\n")
        self.refused(BAD_FILE, "run", "train", "deck.yaml")

    def test_existing_model_is_not_overwritten(self):
        self.train()
        model = (self.folder / "run/model.h5").read_bytes()
        self.refused(WRONG_DECK, "pass --resume to continue that run, --overwrite to train from the start", "train", "deck.yaml")
        self.assertEqual((self.folder / "run/model.h5").read_bytes(), model)

    def test_existing_metrics_and_spectrum_are_not_overwritten(self):
        self.train()
        for command in ("evaluate", "spectrum"):
            self.succeed(2, command, "deck.yaml")
            self.refused(WRONG_DECK, "exists; remove it, choose another name, or pass --overwrite", command,
                         "deck.yaml")

    def test_missing_model(self):
        for command in ("forecast", "evaluate", "spectrum"):
            self.refused(BAD_FILE, "run/model.h5", command, "deck.yaml")

    def test_damaged_model(self):
        self.train()
        path = self.folder / "run/model.h5"
        path.write_bytes(path.read_bytes()[:1000])
        self.refused(BAD_FILE, "run/model.h5", "spectrum", "deck.yaml")

    def test_file_that_is_no_model(self):
        self.train()
        shutil.copy(self.folder / "train.h5", self.folder / "run/model.h5")
        self.refused(BAD_FILE, "run/model.h5", "spectrum", "deck.yaml")

    def test_model_without_a_parameter_block(self):
        self.train()
        model = self.folder / "run/model.h5"
        with h5py.File(model, "r+") as file:
            del file["linear/L_S"]
        self.refused(BAD_FILE, "has no checksum at its end", "spectrum", "deck.yaml")
        seal(model)
        self.refused(BAD_FILE, "linear/L_S", "spectrum", "deck.yaml")

    def test_model_of_numbers_that_are_none(self):
        self.train()
        model = self.folder / "run/model.h5"
        good = model.read_bytes()
        for change, what in ((lambda file: file["linear/L_S"].write_direct(np.array([np.nan]), dest_sel=np.s_[:1]),
                              "/linear/L_S holds nan; finite numbers are needed"),
                             (lambda file: file["scaling/scale"].write_direct(np.zeros(1), dest_sel=np.s_[:1]),
                              "/scaling/scale holds 0; numbers above 0 are needed"),
                             (lambda file: file.attrs.modify("state_dimension", -3.0),
                              "the attribute state_dimension of / is -3, but /scaling/shift has")):
            model.write_bytes(good)
            with h5py.File(model, "r+") as file:
                change(file)
            seal(model)
            for command in ("spectrum", "forecast", "evaluate"):
                self.refused(BAD_FILE, what, command, "deck.yaml")

    def test_model_that_does_not_fit_the_data(self):
        self.train()
        with h5py.File(self.folder / "test.h5", "w") as file:
            file["state"], file["time"] = np.zeros((4, 6, 3)), np.arange(6.0)
        for command in ("forecast", "evaluate"):
            self.refused(BAD_FILE, "test.h5: /state has 3 components; the model run/model.h5 is for 2", command,
                         "deck.yaml")

    def test_resume_without_a_checkpoint(self):
        self.refused(BAD_FILE, "run/checkpoint.h5", "train", "deck.yaml", "--resume")

    def test_resume_from_a_damaged_checkpoint(self):
        self.train()
        path = self.folder / "run/checkpoint.h5"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        self.refused(BAD_FILE, "run/checkpoint.h5", "train", "deck.yaml", "--resume")

    def test_resume_and_overwrite_exclude_each_other(self):
        self.train()
        self.refused(WRONG_DECK, "--resume and --overwrite exclude each other", "train", "deck.yaml", "--resume",
                     "--overwrite")

    def test_bad_data_do_not_cost_the_old_model(self):
        self.train()
        self.write("train.h5", "hello\n")
        self.refused(BAD_FILE, "train.h5", "train", "deck.yaml", "--overwrite")

    def test_refused_options_do_not_cost_the_old_model(self):
        self.train()
        kept = [(self.folder / "run" / name).read_bytes() for name in ("model.h5", "checkpoint.h5")]
        for words in (("-tao_type", "pounders"), ("-tao_max_it", "many"), ("-eps_nev", "0"), ("-st_type", "no_such")):
            self.refused(WRONG_DECK, words[0].split("_")[0], "train", "deck.yaml", "--overwrite", *words)
        self.assertEqual([(self.folder / "run" / name).read_bytes() for name in ("model.h5", "checkpoint.h5")], kept)

    def test_refused_options_of_the_eigensolver_name_what_works(self):
        self.train()
        for words in (("-eps_type", "lanczos"), ("-st_type", "sinvert")):
            self.refused(WRONG_DECK, "-eps_type krylovschur, arnoldi, lapack work", "spectrum", "deck.yaml", *words)

    def test_resume_with_another_deck(self):
        self.train()
        self.refused(WRONG_DECK, "run/checkpoint.h5 is of a run with training.batch: 8; the deck says 4", "train",
                     "deck.yaml", "training.batch=4", "--resume")

    def test_metrics_that_do_not_fit_the_states_are_refused(self):
        self.train()
        self.refused(WRONG_DECK, "evaluate.conserved has 3 weights; the states have 2 components", "evaluate",
                     "deck.yaml", "evaluate.conserved=[1, 1, 1]")
        self.refused(WRONG_DECK, "evaluate.spatial_period: states of 2 components are not a periodic grid", "evaluate",
                     "deck.yaml", "evaluate.spatial_period=22")

    def test_missed_accuracy_is_status_4(self):
        self.train()
        outcome = self.spnode(2, "evaluate", "deck.yaml", "evaluate.require_valid_time=1e9")
        self.assertEqual(outcome.statuses, [CHECK_FAILED] * 2, outcome.output)
        self.assertIn("evaluate.require_valid_time asks for 1000000000", outcome.output)

    def test_broken_numerics_are_status_5(self):
        outcome = self.spnode(2, "train", "deck.yaml", "training.adam.rate=1e300", "training.adam.warmup=0",
                              "training.max_bad_steps=1")
        self.assertEqual(outcome.statuses, [BROKEN_NUMERICS] * 2, outcome.output)
        self.assertEqual(outcome.errors, 1, outcome.output)
        with h5py.File(self.folder / "run/model.h5") as file:  # that of the start, which was validated
            self.assertEqual((file.attrs["epoch"], file.attrs["finished"]), (0, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
