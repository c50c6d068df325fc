"""`spnode suggest`: a look at data, and a deck that trains on them."""
import re
import sys
import unittest

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"{missing}; install python3-h5py")
    sys.exit(77)

from program import ProgramTest
from trajectories import prey_and_predators, rollout


class Suggest(ProgramTest):
    def data(self, name, state, time):
        with h5py.File(self.folder / name, "w") as file:
            file["state"], file["time"] = state, time

    def populations(self, name, seed, count=10):
        start = np.random.default_rng(seed).uniform(1, 3, (count, 2))
        self.data(name, rollout(prey_and_predators, start, 0.05, 101), 0.05 * np.arange(101))

    def error(self, ranks, deck, test, *words):
        output = self.succeed(ranks, "evaluate", deck, f"data.test={test}", "--overwrite", *words).output
        return float(re.search(r"normalised_rms_error +(\S+)", output).group(1)), output

    def test_a_deck_for_predators_and_prey_at_the_first_try(self):
        self.populations("animals.h5", 1)
        self.populations("unseen.h5", 2)
        output = self.succeed(2, "suggest", "animals.h5", "seconds=5").output
        self.assertIn("10 trajectories of 101 times, 2 components", output)
        self.assertRegex(output, "quadratic.* error")
        deck = (self.folder / "animals.yaml").read_text()
        self.assertLessEqual(len(deck.splitlines()), 25)
        self.assertIn("library: {degree: 2}", deck)
        self.assertEqual(self.files(), ["animals.h5", "animals.yaml", "unseen.h5"])
        self.succeed(2, "train", "animals.yaml")
        error, output = self.error(2, "animals.yaml", "unseen.h5")
        self.assertLess(error, 1e-5, output)

    def test_what_the_data_conserve_is_kept(self):
        def reaction(u):  # A + B -> C -> 2 D
            first, second = u[:, 0] * u[:, 1], 0.5 * u[:, 2]
            return np.stack([-first, -first, first - second, 2 * second], 1)
        for name, seed in (("reaction.h5", 1), ("unseen.h5", 2)):
            start = np.random.default_rng(seed).uniform(0.2, 1, (10, 4))
            self.data(name, rollout(reaction, start, 0.05, 101), 0.05 * np.arange(101))
        output = self.succeed(2, "suggest", "reaction.h5", "seconds=5").output
        self.assertEqual(output.count("  conserved "), 2, output)
        self.assertIn("invariants: [", (self.folder / "reaction.yaml").read_text())
        self.succeed(2, "train", "reaction.yaml")
        for conserved in ("[1, -1, 0, 0]", "[1, 0, 1, 0.5]"):
            error, output = self.error(2, "reaction.yaml", "unseen.h5", f"evaluate.conserved={conserved}")
            self.assertLess(error, 1e-4, output)
            self.assertLess(float(re.search(r"conserved_drift +(\S+)", output).group(1)), 1e-13)

    def test_every_number_of_ranks_writes_the_same_deck(self):
        self.populations("animals.h5", 1)
        decks = []
        for ranks in (1, 3):
            self.succeed(ranks, "suggest", "animals.h5", "-o", f"decks/{ranks}.yaml", "seconds=60")
            text = (self.folder / f"decks/{ranks}.yaml").read_text()
            decks.append(re.sub(r"A trial of \d+ s", "A trial", text))
        self.assertEqual(decks[0], decks[1])

    def test_one_trajectory_is_divided_in_time(self):
        phase = 0.05 * np.arange(401)
        self.data("swing.h5", np.exp(-0.1 * phase)[None, :, None] * np.stack([np.cos(phase), np.sin(phase)], 1)[None],
                  phase)
        output = self.succeed(2, "suggest", "swing.h5", "seconds=5").output
        self.assertIn("the last fifth of the times", output)
        self.assertIn("nonlinear: []", (self.folder / "swing.yaml").read_text())

    def test_times_of_all_decades_get_decay_rates_or_adaptive_steps(self):
        times = np.concatenate([[0], np.geomspace(1e-4, 100, 30)])
        size = np.random.default_rng(1).uniform(1, 2, (20, 2))
        state = np.stack([size[:, :1] * np.exp(-times), size[:, 1:] * np.exp(-1000 * times)], 2)
        self.data("decays.h5", state, times)
        output = self.succeed(2, "suggest", "decays.h5", "seconds=3").output
        self.assertRegex(output, "fixed decay rates with an autoencoder +error")
        self.assertRegex(output, "sparse polynomials of degree 2, adaptive steps +error")
        deck = (self.folder / "decays.yaml").read_text()
        self.assertIn("integrator: {scheme: rodas4p", deck)
        self.assertLessEqual(len(deck.splitlines()), 25)
        self.succeed(1, "check", "decays.yaml")

    def test_wrong_uses_are_refused_and_change_nothing(self):
        self.populations("animals.h5", 1, count=4)
        self.write("animals.yaml", "mine\n")
        self.refused(2, "animals.yaml", "suggest", "animals.h5", "seconds=1")
        self.refused(2, "animals.h5", "suggest", "animals.h5", "-o", "animals.h5", "seconds=1", "--overwrite")
        self.refused(2, "seconds=NUMBER", "suggest", "animals.h5", "seconds=0", "-o", "a.yaml")
        self.refused(2, "seconds=NUMBER", "suggest", "animals.h5", "data.train=b.h5", "-o", "a.yaml")
        self.refused(2, "unexpected '-o'", "suggest", "animals.h5", "-o")
        self.refused(2, "only spnode suggest", "train", "animals.yaml", "-o", "a.yaml")
        self.refused(3, "nothing.h5", "suggest", "nothing.h5")
        self.data("flat.h5", np.ones((3, 9, 2)), np.arange(9.0))
        self.refused(3, "flat.h5: all components are constant", "suggest", "flat.h5")
        self.data("short.h5", np.ones((3, 2, 2)), np.arange(2.0))
        self.refused(3, "at least three", "suggest", "short.h5")


if __name__ == "__main__":
    unittest.main()
