"""Data that do not fit into the memory that they may take are read while they are used: the same models."""
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

from program import DECK, PROGRAM, ProgramTest, numbers


def parameters(path):
    """A digest of the numbers of a model file; its deck says how the data were read."""
    return numbers(path, attributes=False)


def write_waves(path, trajectories, times, components, **storage):
    """Travelling waves of two frequencies, in single precision."""
    x = 2 * np.pi * np.arange(components) / components
    t = 0.05 * np.arange(times)[:, None]
    with h5py.File(path, "w") as file:
        state = file.create_dataset("state", (trajectories, times, components), np.float32, **storage)
        file["time"] = t[:, 0]
        for n in range(trajectories):
            state[n] = np.cos(x - t + n) * np.exp(-0.1 * t) + 0.5 * np.sin(2 * x - 3 * t + 0.1 * n)


class Streaming(ProgramTest):
    def trains_alike(self, memory, *words, ranks=(1, 2, 3)):
        self.succeed(2, "train", "deck.yaml", *words, "--overwrite")
        expected = parameters(self.folder / "run/model.h5")
        for count in ranks:
            outcome = self.succeed(count, "train", "deck.yaml", *words, f"data.memory={memory}", "--overwrite")
            self.assertIn("the states of the training data are read while they are used", outcome.output)
            self.assertEqual(parameters(self.folder / "run/model.h5"), expected, (count, words))

    def test_models_have_the_bits_of_those_of_held_data(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml", "generate.times=40")
        windows = ["data.window=5", "data.stride=2", "data.every=[1, 3]"]
        for words in ([], ["training.optimizers=[adam, lbfgs]", "training.lbfgs.iterations=6"],
                      ['data.validation=""', "model.scaling.kind=component", "loss.component_weights=variance"],
                      ['data.validation=""', "data.validation_fraction=0.3", "model.precision=mixed"],
                      ["model.initialisation=operator_inference", "training.optimizers=[gauss_newton]",
                       "training.gauss_newton.iterations=2"]):
            self.trains_alike(0.0035, *windows, *words)

    def test_files_of_other_programs_are_streamed_as_they_are(self):
        self.write("deck.yaml", DECK)
        write_waves(self.folder / "train.h5", 12, 40, 11, chunks=(5, 7, 4), compression="gzip", shuffle=True)
        write_waves(self.folder / "validation.h5", 3, 40, 11)
        pod = ["model.autoencoder.enabled=true", "model.latent_dimension=4", "model.scaling.kind=global", "model.linear.mu=0.5"]
        for words in ([], pod, [*pod, "training.starts=2", "training.start_epochs=1"], [*pod, "model.autoencoder.hidden=[3]"]):
            self.trains_alike(0.006, "data.window=5", *words, ranks=(1, 2))

    def test_a_killed_run_goes_on_whether_its_data_are_streamed_or_held(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml", "generate.times=40")
        words = ["data.window=5", "training.adam.epochs=400", "training.checkpoint_epochs=1", "training.spectrum_every=0"]
        self.succeed(1, "train", "deck.yaml", *words)
        expected = parameters(self.folder / "run/model.h5")
        history = self.folder / "run/history.csv"
        history.unlink()
        process = self.start(2, "train", "deck.yaml", *words, "data.memory=0.0035", "--overwrite")
        while process.poll() is None and (not history.exists() or len(history.read_bytes().splitlines()) < 20):
            time.sleep(0.01)
        ranks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        readers = [int(word) for rank in ranks for word in Path(f"/proc/{rank}/task/{rank}/children").read_text().split()]
        self.assertEqual(len(readers), 4)  # training and validation data of two ranks
        for rank in ranks:
            os.kill(int(rank), signal.SIGKILL)
        process.communicate(timeout=120)
        for reader in readers:  # ended, whether or not somebody has asked how
            status = Path(f"/proc/{reader}/stat")
            self.assertTrue(not status.exists() or status.read_text().split()[2] in "ZX")
        self.succeed(1, "train", "deck.yaml", *words, "--resume")
        self.assertEqual(parameters(self.folder / "run/model.h5"), expected)

    def test_too_little_memory_is_refused_with_what_is_needed(self):
        self.write("deck.yaml", DECK)
        self.succeed(2, "generate", "deck.yaml", "generate.times=40")
        for command in ("check", "train"):
            self.refused(2, "pieces of a tile (2 windows) need ", command, "deck.yaml", "data.memory=0.001")
            self.refused(2, "cannot be read while they are used, because data.times chooses times", command, "deck.yaml",
                         "data.times=[0, 1, 2, 5]", "data.memory=0.001")

    def test_a_state_that_is_not_finite_is_found_on_whichever_rank(self):
        self.write("deck.yaml", DECK)
        write_waves(self.folder / "train.h5", 12, 40, 11)
        write_waves(self.folder / "validation.h5", 3, 40, 11)
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["state"][11, 3, 2] = np.nan
        self.refused(3, "train.h5: /state[11, 3, 2] is nan", "train", "deck.yaml", "data.window=5", "data.memory=0.006")

    def test_epochs_begin_before_all_is_read_where_nothing_of_all_states_is_needed(self):
        self.write("deck.yaml", DECK)
        write_waves(self.folder / "train.h5", 12, 40, 11)
        write_waves(self.folder / "validation.h5", 3, 40, 11)
        words = ["data.window=5", "data.time_unit=2", "model.scaling.kind=none", "model.initialisation=random"]
        self.trains_alike(0.006, *words, ranks=(1, 2))
        self.succeed(2, "train", "deck.yaml", *words, "--resume")  # the same checksum as that of held data
        with h5py.File(self.folder / "train.h5", "r+") as file:
            file["state"][11, 3, 2] = np.nan
        for scaling, begins in (("none", True), ("global", False)):
            outcome = self.spnode(2, "train", "deck.yaml", *words, f"model.scaling.kind={scaling}", "data.memory=0.006", "--overwrite")
            self.assertEqual((outcome.statuses, outcome.errors), ([3, 3], 1), outcome.output)
            self.assertIn("train.h5: /state[11, 3, 2] is nan", outcome.output)
            self.assertEqual("model: latent dimension" in outcome.output, begins, outcome.output)


class Memory(ProgramTest):
    """What a rank holds at most, where its data are several times the limit."""

    DECK = """\
output: run
data: {train: train.h5, memory: 40, window: 9}
model: {latent_dimension: 4, nonlinear: [bilinear], bilinear: {rank: 2}, scaling: {kind: global},
        autoencoder: {enabled: true}, linear: {mu: 0.1}}
training: {batch: 40, tile: 4, adam: {epochs: 1}}
"""

    def peak(self, *words):
        """Bytes that a run on one rank held at most, and what it said."""
        with open(self.folder / "output", "w+") as output:
            process = subprocess.Popen([PROGRAM, *words], cwd=self.folder, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            said = output.read()
        self.assertEqual(process.returncode, 0, said)
        return usage.ru_maxrss * 1024.0, said

    def holds_less(self, *words):
        size = (self.folder / "train.h5").stat().st_size
        libraries, _ = self.peak("check", "deck.yaml", 'data.train=""')
        streamed, said = self.peak("train", "deck.yaml", "--overwrite", *words)
        self.assertIn("the states of the training data are read while they are used", said)
        self.assertGreater(size, 4 * 40e6)
        self.assertLess(streamed - libraries, 0.6 * size)

    def test_a_projected_training(self):
        self.write("deck.yaml", self.DECK)
        write_waves(self.folder / "train.h5", 10, 100, 49152)
        self.holds_less()

    def test_a_training_of_states(self):
        self.write("deck.yaml", self.DECK)
        write_waves(self.folder / "train.h5", 500, 100, 1024)
        self.holds_less("model.autoencoder.hidden=[4]")


if __name__ == "__main__":
    unittest.main(verbosity=2)
