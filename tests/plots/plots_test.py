"""app/plots/plot.py draws what is there, and names what is missing. usage: plots_test.py APP_PLOTS"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py
    import matplotlib  # noqa: F401
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import synthetic_run as synthetic

PLOTS = Path(sys.argv.pop(1))


class Plots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_directory = Path(folder.name)

    def plot(self, *words):
        return subprocess.run([sys.executable, "-B", PLOTS / "plot.py", self.run_directory, *words],
                              capture_output=True, text=True, check=False)

    def expect_pictures(self, *names):
        done = self.plot()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({path.name for path in self.run_directory.glob("*.png")}, set(names))
        for name in names:
            self.assertGreater((self.run_directory / name).stat().st_size, 10000)

    def expect_problem(self, *words, message):
        done = self.plot(*words)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(list(self.run_directory.glob("*.png")), [])

    def test_a_whole_run_is_drawn(self):
        synthetic.write_history(self.run_directory)
        synthetic.write_forecast(self.run_directory, *synthetic.field(trajectories=3, times=20, points=16))
        synthetic.write_metrics(self.run_directory, trajectories=4, diverged=1, threshold=0.4, valid_prediction_time=60)
        synthetic.write_spectrum(self.run_directory, [-1, -1, 0.2], [2, -2, 0], 0.25, 0.24)
        synthetic.write_statistics(self.run_directory)
        self.expect_pictures("history.png", "forecast.png", "error.png", "pdf.png", "energy.png", "spectrum.png")

    def test_a_small_system_on_logarithmic_times_is_drawn(self):
        synthetic.write_forecast(self.run_directory, *synthetic.kinetics())
        self.expect_pictures("forecast.png", "error.png")

    def test_a_state_of_two_components_is_drawn_in_its_plane(self):
        time, truth, state = synthetic.kinetics()
        synthetic.write_forecast(self.run_directory, time, truth, state)
        self.expect_problem("--only", "plane", message="has 3 components, a plane needs 2")
        synthetic.write_forecast(self.run_directory, time, truth[:, :, :2], state[:, :, :2])
        self.expect_pictures("forecast.png", "plane.png", "error.png")

    def test_a_field_on_a_grid_of_two_axes_is_drawn_as_images(self):
        synthetic.write_forecast(self.run_directory, *synthetic.square(), component_axes="y 24, x 32, variable 2")
        self.expect_pictures("forecast.png", "error.png")

    def test_axes_that_do_not_fit_the_components_are_left_aside(self):
        synthetic.write_forecast(self.run_directory, *synthetic.square(), component_axes="y 25, x 32, variable 2")
        self.expect_pictures("forecast.png", "error.png")

    def test_limit_sets_are_drawn_over_their_parameter(self):
        synthetic.write_limit_sets(self.run_directory)
        self.expect_pictures("limit_sets.png")

    def test_limit_sets_without_a_parameter_are_no_picture(self):
        synthetic.write_limit_sets(self.run_directory, values=1)
        self.expect_problem(message="nothing to draw")

    def test_components_of_a_large_state_are_drawn_as_curves(self):
        synthetic.write_forecast(self.run_directory, *synthetic.field(trajectories=3, times=20, points=16))
        self.expect_problem("--components", "3", "17", message="has components 1 to 16")
        self.assertEqual(self.plot("--components", "3", "16").returncode, 0)
        self.assertGreater((self.run_directory / "forecast.png").stat().st_size, 10000)

    def test_errors_of_components_are_drawn_where_there_are_any(self):
        synthetic.write_metrics(self.run_directory, trajectories=4)
        self.expect_problem("--only", "components", message="has no errors of components")
        synthetic.write_component_errors(self.run_directory)
        self.expect_pictures("components.png")

    def test_missing_columns_of_the_history_are_no_problem(self):
        (self.run_directory / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n3,nan\n", encoding="utf-8")
        self.expect_pictures("history.png")

    def test_an_empty_run_directory_is_named(self):
        self.expect_problem(message="nothing to draw")

    def test_a_missing_file_is_named(self):
        self.expect_problem("--only", "spectrum", message="spectrum.csv: no such file")

    def test_a_missing_column_is_named(self):
        (self.run_directory / "spectrum.csv").write_text("operator,index,real\nA_L,0,1\n", encoding="utf-8")
        self.expect_problem(message="has no column imag")

    def test_a_damaged_file_is_named(self):
        (self.run_directory / "forecast.h5").write_bytes(b"not HDF5")
        self.expect_problem("--only", "forecast", message="not a readable HDF5 file")

    def test_a_missing_dataset_is_named(self):
        with h5py.File(self.run_directory / "forecast.h5", "w") as file:
            file["time"] = np.arange(3.0)
        self.expect_problem("--only", "forecast", message="has no dataset /state")

    def test_a_missing_statistic_is_named(self):
        with h5py.File(self.run_directory / "statistics.h5", "w") as file:
            file["pdf/u_x_range"] = [0.0, 1.0]
        self.expect_problem("--only", "energy", message="has no dataset /pdf/u_xx_range")

    def test_a_misshapen_truth_is_named(self):
        time, truth, state = synthetic.field(trajectories=2, times=5, points=16)
        synthetic.write_forecast(self.run_directory, time, truth[:, :4], state)
        self.expect_problem("--only", "forecast", message="/truth has shape (2, 4, 16)")


if __name__ == "__main__":
    unittest.main()
