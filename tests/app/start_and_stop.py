"""How the program starts and how it ends: options, environment and decks that cannot be used, signals."""
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest
from unittest import mock

import program
from program import DECK, ProgramTest

WRONG_COMMAND_LINE, BAD_FILE, STOPPED = 2, 3, 75
NOT_BEGUN = "stopped by a signal before the work began; nothing is lost, run again"


class Starts(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)

    def refused_options(self, message, *words, numbers_of_ranks=(2,)):
        for ranks in numbers_of_ranks:
            outcome = self.refused(WRONG_COMMAND_LINE, message, "check", "deck.yaml", *words, ranks=ranks)
            self.assertNotIn("PETSC ERROR", outcome.output)

    def test_options_that_petsc_cannot_start_with_are_refused(self):
        self.refused_options("-options_file absent.opt: the file cannot be opened", "-options_file", "absent.opt",
                             numbers_of_ranks=(1, 3))
        self.refused_options("Missing prefix for -prefix_push", "-prefix_push")
        self.refused_options("Unable to open trace file", "-log_trace", "absent/trace")

    def test_environment_that_the_libraries_cannot_start_with_is_refused(self):
        with mock.patch.dict(os.environ, PETSC_OPTIONS="-options_file absent.opt"):
            self.refused_options("-options_file absent.opt")
        with mock.patch.dict(os.environ, KOKKOS_NUM_THREADS="abc"):
            self.refused_options("Kokkos does not start: Error: cannot convert KOKKOS_NUM_THREADS")

    def test_file_for_the_end_is_tried_at_the_start(self):
        self.refused_options("-log_view :absent/log: the file cannot be opened", "-log_view", ":absent/log",
                             numbers_of_ranks=(1, 2, 3))
        self.refused_options("-eps_view :absent/log:ascii_info: the file", "-eps_view", ":absent/log:ascii_info")
        self.refused_options("-log_view: Unsupported viewer nonsense", "-log_view", "nonsense")
        self.write(".petscrc", "-log_view :absent/log\n")
        self.refused_options("-log_view :absent/log")

    def test_file_for_the_end_is_written(self):
        for ranks in (1, 2):
            self.succeed(ranks, "check", "deck.yaml", "-log_view", f":log{ranks}")
            self.assertIn("PETSc Performance Summary", (self.folder / f"log{ranks}").read_text())

    def test_end_that_fails_is_told(self):
        (self.folder / "log").mkdir()
        os.mkfifo(self.folder / "fifo")

        def take_the_folder_away():
            with open(self.folder / "fifo", "w", encoding="utf-8") as fifo:  # waits for the reader
                shutil.rmtree(self.folder / "log")
                fifo.write(DECK)

        writer = threading.Thread(target=take_the_folder_away)
        writer.start()
        outcome = self.spnode(1, "check", "fifo", "-log_view", ":log/text")
        writer.join()
        self.assertEqual(outcome.statuses, [BAD_FILE], outcome.output)
        self.assertEqual(outcome.errors, 1, outcome.output)

    def test_shared_file_pointers_are_not_opened(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        self.succeed(2, "generate", "deck.yaml")
        subprocess.run(self.command(2, "strace", "-f", "-qq", "-o", "trace", "-e", "trace=openat", program.PROGRAM, "train",
                                    "deck.yaml"), cwd=self.folder, capture_output=True, timeout=self.seconds, check=True)
        opened = (self.folder / "trace").read_text()
        self.assertIn('"train.h5"', opened)
        for left_beside_the_data in (".sm\"", ".locktest", "mca_sharedfp_sm.so"):
            self.assertNotIn(left_beside_the_data, opened)


class Decks(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)
        os.mkfifo(self.folder / "fifo")

    def test_deck_may_come_through_a_fifo_or_a_pipe(self):
        expected = self.succeed(2, "check", "deck.yaml").output

        def write():
            with open(self.folder / "fifo", "w", encoding="utf-8") as fifo:
                for line in DECK.splitlines(keepends=True):
                    fifo.write(line)
                    fifo.flush()
                    time.sleep(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        self.assertEqual(self.succeed(2, "check", "fifo").output, expected)
        writer.join()
        piped = subprocess.run(self.command(2, program.PROGRAM, "check", "/dev/stdin"), cwd=self.folder, input=DECK,
                               capture_output=True, text=True, timeout=self.seconds, check=False)
        self.assertEqual((piped.returncode, piped.stdout), (0, expected), piped.stderr)

    def test_what_is_no_deck_is_refused(self):
        for path, reason in ((".", "Is a directory"), ("/dev/zero", "it is longer than 16 MB"),
                             ("deck.yaml/x", "Not a directory"), ("x" * 300, "File name too long")):
            for ranks in (1, 3):
                self.refused(WRONG_COMMAND_LINE, f"{path}: the deck cannot be read: {reason}", "check", path, ranks=ranks)

    def test_signal_ends_the_wait_for_a_writer(self):
        for ranks in (1, 2):
            process = self.start(ranks, "train", "fifo")
            writer = os.open(self.folder / "fifo", os.O_WRONLY)  # waits for the reader
            process.send_signal(signal.SIGUSR1)
            output = process.communicate(timeout=60)[0]
            os.close(writer)
            self.assertEqual(process.returncode, STOPPED, output)
            self.assertEqual(output.count(NOT_BEGUN), 1, output)


class Signals(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("deck.yaml", DECK)

    def start_alone(self, command):
        """Starts a command without mpirun and returns once it notes signals."""
        process = subprocess.Popen([program.PROGRAM, command, "deck.yaml"], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.wait_until(process, noted=True)
        return process

    def wait_until(self, process, noted):
        """Waits until the process notes SIGUSR1, or no longer does."""
        caught = not noted
        while caught != noted and process.poll() is None:
            with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
                mask = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
            caught = bool(mask & (1 << (signal.SIGUSR1 - 1)))

    def test_signal_before_the_work_is_status_75(self):
        for command, chosen in (("train", signal.SIGUSR1), ("train", signal.SIGTERM), ("generate", signal.SIGTERM)):
            process = self.start_alone(command)
            process.send_signal(chosen)
            output = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, STOPPED, output)
            self.assertEqual(output.count(NOT_BEGUN), 1, output)
        self.assertEqual(self.files(), ["deck.yaml"])

    def test_sigusr1_to_mpirun_is_status_75(self):
        self.succeed(1, "generate", "deck.yaml")
        for ranks in (1, 2):
            process = self.start(ranks, "train", "deck.yaml", "training.adam.epochs=100000", "--overwrite")
            while process.poll() is None and not (self.folder / "run/history.csv").exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGUSR1)
            output = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, STOPPED, output)
            self.assertEqual(output.count("run again with --resume"), 1, output)
            self.assertIn("run/checkpoint.h5", self.files())
            (self.folder / "run/history.csv").unlink()

    def test_command_without_checkpoints_ends_at_once(self):
        self.write("deck.yaml", DECK.replace("train: 12", "train: 1000000"))
        process = self.start_alone("generate")
        self.wait_until(process, noted=False)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, -signal.SIGTERM, output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
