"""jobscripts/sweep_table.py compares the models of a sweep, of made-up runs here, and names what is missing."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "jobscripts/sweep_table.py"


class SweepTable(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_directory = Path(folder.name)

    def make(self, value, losses, metrics=None):
        run = self.run_directory / f"loss.jacobian={value}"
        run.mkdir()
        (run / "model.h5").touch()
        (run / "history.csv").write_text("epoch,loss,validation_loss\n" + "".join(f"1,{a},{b}\n" for a, b in losses),
                                         encoding="utf-8")
        if metrics is not None:
            series = "relative_error,1.5,0.25\n"
            (run / "metrics.csv").write_text("metric,time,value\n" + "".join(f"{name},,{v}\n" for name, v in metrics.items())
                                             + series, encoding="utf-8")

    def table(self, *words, status=0):
        done = subprocess.run([sys.executable, "-B", SCRIPT, self.run_directory, "loss.jacobian", *words],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_lowest_validation_loss_of_the_training_wins(self):
        self.make("0.1", [(1, 4), (0.1, 2), (0.01, 3)])
        self.make("1e-2", [(1, 5), (0.1, "nan"), (0.01, 2.5)])
        lines = self.table().splitlines()
        self.assertEqual(lines[2:4], ["| 1e-2 | 2.5 |", "| 0.1 | 2 |"])
        self.assertEqual(lines[-1], "loss.jacobian=0.1 wins by validation_loss")

    def test_without_validation_data_the_loss_of_the_training_counts(self):
        self.make("1", [(4, "nan"), (3, "nan")])
        self.assertIn("| 1 | 3 |", self.table())

    def test_a_metric_decides_among_those_of_which_fewest_diverged(self):
        self.make("0", [(1, 1)], {"diverged": 2, "relative_l2_error": 0.1, "valid_prediction_time": 9})
        self.make("1", [(1, 7)], {"diverged": 0, "relative_l2_error": 0.3, "valid_prediction_time": 8})
        self.make("2", [(1, 8)], {"diverged": 0, "relative_l2_error": 0.2, "valid_prediction_time": 7})
        self.assertIn("loss.jacobian=2 wins", self.table("--by", "relative_l2_error"))
        self.assertIn("loss.jacobian=1 wins", self.table("--by", "valid_prediction_time", "--most"))
        self.assertIn("| 2 | 8 | 0.2 | 0 | 7 |", self.table("--by", "relative_l2_error"))

    def test_what_is_missing_is_named(self):
        self.assertIn("no trained model loss.jacobian=VALUE", self.table(status=2))
        self.make("0", [(1, 1)], {"diverged": 0})
        self.assertIn("loss.jacobian=0 has no pdf_l1; there are diverged, validation_loss", self.table("--by", "pdf_l1", status=2))


if __name__ == "__main__":
    unittest.main()
