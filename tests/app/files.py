"""What a run reads stays as it is, what it writes belongs to one run, and it goes on with no other data."""
import os
import signal
import time
import unittest

import h5py

from program import DECK, ProgramTest

WRONG_DECK, BAD_FILE = 2, 3
FOR_EVER = "training.adam.epochs=1000000"


class Inputs(ProgramTest):
    """Results are never written over what a command reads."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")

    def kept(self, names, status, message, *words):
        before = [(self.folder / name).read_bytes() for name in names]
        self.refused(status, message, *words)
        self.assertEqual([(self.folder / name).read_bytes() for name in names], before)

    def test_data_model_and_deck_are_no_outputs(self):
        self.succeed(1, "train", "deck.yaml")
        names = ["deck.yaml", "test.h5", "run/model.h5"]
        (self.folder / "link.h5").symlink_to("test.h5")
        for output in ("test.h5", "./run/../test.h5", "link.h5"):
            self.kept(names, WRONG_DECK, "it is the data, which this command reads", "forecast", "deck.yaml",
                      "--overwrite", "forecast.output=" + output)
        self.kept(names, WRONG_DECK, "it is the model", "forecast", "deck.yaml", "--overwrite",
                  "forecast.output=run/model.h5")
        self.kept(names, WRONG_DECK, "it is the deck", "generate", "deck.yaml", "--overwrite", "data.test=deck.yaml")
        self.kept(names, WRONG_DECK, "it is data.train too", "generate", "deck.yaml", "--overwrite",
                  "data.validation=train.h5")

    def test_files_that_no_training_wrote_stay(self):
        self.kept(["deck.yaml"], WRONG_DECK, "it is the deck", "train", "deck.yaml", "output=.", "--overwrite")
        for name in ("deck.yaml", "history.csv"):
            self.write("other/" + name, "my own\n")
            self.kept(["other/" + name], WRONG_DECK, f"other/{name} exists", "train", "deck.yaml", "output=other")
            (self.folder / "other" / name).unlink()

    def test_refused_option_costs_no_result(self):
        self.succeed(1, "train", "deck.yaml")
        self.kept(["run/model.h5", "run/checkpoint.h5", "run/history.csv"], WRONG_DECK, "-tao_type nonsense", "train",
                  "deck.yaml", "--overwrite", "-tao_type", "nonsense")


class Foreign(ProgramTest):
    """Files of other programs that cannot be read as they are."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")

    def test_pipes_and_devices_are_no_files(self):
        os.mkfifo(self.folder / "pipe")
        for path in ("pipe", "/dev/zero"):
            self.refused(BAD_FILE, path + ": is not a regular file", "info", path)
            self.refused(BAD_FILE, path + ": is not a regular file", "train", "deck.yaml", "data.train=" + path)
            self.refused(BAD_FILE, path + ": is not a regular file", "spectrum", "deck.yaml", "spectrum.model=" + path)

    def test_parts_that_are_not_there(self):
        with h5py.File(self.folder / "train.h5") as file:
            state, time_axis = file["state"][...], file["time"][...]
        with h5py.File(self.folder / "stopped.h5", "w") as file:
            states = file.create_dataset("state", state.shape, chunks=(1, *state.shape[1:]), dtype="f8")
            states[:-1] = state[:-1]
            file["time"] = time_axis
        layout = h5py.VirtualLayout(state.shape, "f8")
        layout[...] = h5py.VirtualSource("train.h5", "state", state.shape)
        with h5py.File(self.folder / "virtual.h5", "w", libver="latest") as file:
            file.create_virtual_dataset("state", layout)
            file["time"] = time_axis
        for ranks in (1, 2, 3):
            self.refused(BAD_FILE, "parts of /state were never written", "train", "deck.yaml", "--overwrite",
                         "data.train=stopped.h5", ranks=ranks)
            self.succeed(ranks, "train", "deck.yaml", "data.train=virtual.h5", "--overwrite")
        os.rename(self.folder / "train.h5", self.folder / "moved.h5")
        self.refused(BAD_FILE, "the files that hold them are missing", "train", "deck.yaml", "--overwrite",
                     "data.train=virtual.h5")


class OneRun(ProgramTest):
    """A run knows its data and has its directory to itself."""

    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.succeed(1, "generate", "deck.yaml")

    def wait_for(self, name):
        end = time.monotonic() + 60
        while not (self.folder / name).exists():
            self.assertLess(time.monotonic(), end, name + " does not appear")
            time.sleep(0.02)

    def stopped(self):
        run = self.start(2, "train", "deck.yaml", FOR_EVER)
        self.wait_for("run/checkpoint.h5")
        run.send_signal(signal.SIGUSR1)
        self.assertEqual(run.wait(60), 75, run.communicate()[0])

    def test_resuming_wants_the_same_data_wherever_they_are(self):
        self.stopped()
        with h5py.File(self.folder / "train.h5") as file:
            state, time_axis = file["state"][...], file["time"][...]
        with h5py.File(self.folder / "packed.h5", "w") as file:  # the same numbers
            file.create_dataset("state", data=state, chunks=(1, *state.shape[1:]), compression="gzip")
            file["time"] = time_axis
        with h5py.File(self.folder / "few.h5", "w") as file:
            file["state"], file["time"] = state[:5], time_axis
        state[3, 2, 1] *= 1.3
        with h5py.File(self.folder / "changed.h5", "w") as file:
            file["state"], file["time"] = state, time_axis
        for name in ("changed.h5", "few.h5"):
            self.refused(BAD_FILE, "run/checkpoint.h5 is of a run on other training data", "train", "deck.yaml",
                         FOR_EVER, "--resume", "data.train=" + name)
        self.refused(BAD_FILE, "of a run on other validation data", "train", "deck.yaml", FOR_EVER, "--resume",
                     "data.validation=test.h5")
        run = self.start(1, "train", "deck.yaml", FOR_EVER, "--resume", "data.train=packed.h5")
        time.sleep(2)
        run.send_signal(signal.SIGUSR1)
        self.assertEqual(run.wait(60), 75, run.communicate()[0])

    def test_second_run_in_one_directory_is_refused_and_a_killed_one_leaves_no_lock(self):
        first = self.start(2, "train", "deck.yaml", FOR_EVER)
        self.wait_for("run/checkpoint.h5")
        for words in (["--resume"], ["--overwrite"], []):
            outcome = self.spnode(2, "train", "deck.yaml", FOR_EVER, *words)
            self.assertEqual(outcome.statuses, [WRONG_DECK] * 2, outcome.output)
            self.assertEqual(outcome.output.count("another run writes into this directory"), 1, outcome.output)
        name = (self.folder / "run/lock").read_text(encoding="utf-8").split()[0]  # machine and process
        os.kill(int(name.split("-")[1]), signal.SIGKILL)
        first.communicate()
        self.write(f"run/model.h5.tmp-{name}-abc", "left half written")
        self.succeed(2, "train", "deck.yaml", "--overwrite")
        self.assertEqual([name for name in self.files() if name.startswith("run/")],
                         ["run/checkpoint.h5", "run/deck.yaml", "run/history.csv", "run/model.h5"])


if __name__ == "__main__":
    unittest.main()
