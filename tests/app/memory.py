"""What `check` says a training needs is what it takes."""
import os
import re
import subprocess
import unittest

from program import DECK, PROGRAM, ProgramTest

UNITS = {"bytes": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}

# Large enough that what the optimizer holds is most of what the program does.
TRAININGS = {
    "adam": ["model.bilinear.rank=100000"],
    "lbfgs": ["model.bilinear.rank=20000", "training.optimizers=[lbfgs]", "training.lbfgs.iterations=25"],
    "gauss_newton": ["model.bilinear.rank=150", "training.optimizers=[gauss_newton]", "training.gauss_newton.iterations=1"],
}


class Memory(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        self.peak("generate", "deck.yaml")

    def peak(self, *words):
        """Bytes that a run on one rank held at most."""
        process = subprocess.Popen([PROGRAM, *words], cwd=self.folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024.0

    def test_estimates_are_within_a_fifth(self):
        libraries = self.peak("check", "deck.yaml")
        for optimizer, words in TRAININGS.items():
            with self.subTest(optimizer):
                line = self.succeed(1, "check", "deck.yaml", *words).output.split("# memory of each of 1 ranks: ")[1]
                number, unit = re.match(r"(\S+) (\w+)", line).groups()
                estimate = float(number) * UNITS[unit]
                used = self.peak("train", "deck.yaml", "--overwrite", *words) - libraries
                self.assertGreater(estimate, 0.8 * used, line)
                self.assertLess(estimate, 1.2 * used, line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
