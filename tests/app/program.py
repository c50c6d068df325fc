"""Runs the program as users do, under mpirun, and looks at every rank's exit status."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import h5py

PROGRAM = os.environ.get("SPNODE", "spnode")

# Writes down the rank's own exit status; mpirun itself would end the others at the first failure.
WRAPPER = '"$@"; echo $? > "$STATUS_FOLDER/$OMPI_COMM_WORLD_RANK"'


def mpirun(ranks, *words):
    """The command that runs `words` on so many ranks."""
    return ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *words]


def numbers(path, attributes=True):
    """A digest of every number in a file, and of the attributes of the file."""
    digest = hashlib.sha256()

    def add(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fi":
            digest.update(name.encode() + item[...].tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(add)
        for name in sorted(file.attrs) if attributes else ():
            digest.update(f"{name}={file.attrs[name]!r}".encode())
    return digest.hexdigest()


def seal(path):
    """Puts the checksum back behind an HDF5 file of spnode that h5py has changed (docs/model-file.md)."""
    contents, value = path.read_bytes(), 0xCBF29CE484222325
    for byte in contents:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    path.write_bytes(contents + f"spnode: checksum{value:016x}".encode())


class Outcome:
    def __init__(self, statuses, output):
        self.statuses = statuses  # of every rank
        self.output = output      # of all ranks, standard output and standard error together

    @property
    def errors(self):
        """How many messages were printed, on whichever rank."""
        return self.output.count("spnode: error: ")


class ProgramTest(unittest.TestCase):
    """A test with an empty working directory of its own."""

    seconds = 300  # that a run may take

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="spnode-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def files(self):
        """Every file there is, by its path in the working directory."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def command(self, ranks, *words):
        return mpirun(ranks, *words)

    def start(self, ranks, *words):
        """Starts `spnode WORDS` without waiting for it."""
        return subprocess.Popen(self.command(ranks, PROGRAM, *words), cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def spnode(self, ranks, *words):
        """Runs `spnode WORDS` to its end."""
        with tempfile.TemporaryDirectory() as statuses:
            command = self.command(ranks, "sh", "-c", WRAPPER, "sh", PROGRAM, *words)
            process = subprocess.run(command, cwd=self.folder, text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, timeout=self.seconds, check=False,
                                     env={**os.environ, "STATUS_FOLDER": statuses})
            found = [Path(statuses, str(rank)) for rank in range(ranks)]
            return Outcome([int(path.read_text()) if path.exists() else None for path in found], process.stdout)

    def succeed(self, ranks, *words):
        outcome = self.spnode(ranks, *words)
        self.assertEqual(outcome.statuses, [0] * ranks, outcome.output)
        return outcome

    def interrupt(self, ranks, chosen, *words):
        """Starts a training, sends every rank a signal once some epochs are done, and returns mpirun's exit status."""
        history = self.folder / "run/history.csv"
        history.unlink(missing_ok=True)
        process = self.start(ranks, "train", "deck.yaml", *words)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if history.exists() and len(history.read_bytes().splitlines()) > 20:
                break
            time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:  # mpirun would turn some signals into others
            os.kill(int(child), chosen)
        output = process.communicate(timeout=120)[0]
        self.assertEqual(len(children), ranks, output)
        return process.returncode, output

    def refused(self, status, message, *words, ranks=2):
        """The program ends with `status` on every rank, says `message` once and leaves the files as they were."""
        before = self.files()
        outcome = self.spnode(ranks, *words)
        self.assertEqual(outcome.statuses, [status] * ranks, outcome.output)
        self.assertEqual(outcome.errors, 1, outcome.output)
        self.assertIn(message, outcome.output)
        self.assertEqual(self.files(), before)
        return outcome


DECK = """\
output: run
data: {train: train.h5, validation: validation.h5, test: test.h5}
generate: {system: transient_growth, epsilon: 0, train: 12, validation: 5, test: 6, times: 6, t_end: 2}
model: {nonlinear: [bilinear], bilinear: {rank: 2}, scaling: {kind: none}}
training: {batch: 8, tile: 2, adam: {epochs: 6, warmup: 2}, checkpoint_epochs: 2}
"""
