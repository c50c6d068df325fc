"""What runs start from and what they leave: prepared folders, and the contents of files in a form to compare."""
import csv
import hashlib
import shutil

import h5py
import numpy as np

from running import DECK, Finding

INPUTS = ("train.h5", "validation.h5", "test.h5")
RESULTS = {"model.h5", "checkpoint.h5", "history.csv", "deck.yaml"}  # of a training that is done

# The commands that write files, and from which prepared folder they start.
COMMANDS = {"generate": "deck", "train": "data", "forecast": "trained", "evaluate": "trained", "spectrum": "trained"}


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def hdf5_contents(path):
    """Every number, text and attribute, without HDF5's own bytes (which hold the time of writing)."""
    found = []

    def add(name, item):
        attributes = sorted((key, repr(value)) for key, value in item.attrs.items())
        values = item[()] if isinstance(item, h5py.Dataset) else ""
        if isinstance(values, np.ndarray) and not values.dtype.hasobject:
            values = (values.dtype.str, values.shape, digest(values.tobytes()))
        found.append((name, attributes, repr(values)))

    try:
        with h5py.File(path, "r") as file:
            add("/", file)
            file.visititems(add)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        return f"cannot be read: {error}"
    return digest(repr(found).encode())


def history_contents(path):
    """All columns but the last: the seconds."""
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        return digest(repr([row[:-1] for row in csv.reader(file)]).encode())


def contents(folder, damaged=None):
    """What every file in `folder` holds, by its path there. HDF5 does not see the file `damaged`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(folder))
        if name != damaged and path.suffix == ".h5":
            found[name] = hdf5_contents(path)
        elif name != damaged and path.name == "history.csv":
            found[name] = history_contents(path)
        else:
            found[name] = digest(path.read_bytes())
    return found


def differences(found, expected):
    """The paths of files that differ, or are missing, or too many."""
    return sorted(path for path in found.keys() | expected.keys() if found.get(path) != expected.get(path))


def all_finite(path):
    """Whether every number of an HDF5 file is finite."""
    numbers = []

    def add(_, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            numbers.append(bool(np.isfinite(item[()]).all()))

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return all(numbers)


class Prepared:
    """Folders to start from (deck: the deck alone; data: with its data; trained: with a model) and what the commands
    leave there when nothing disturbs them."""
    def __init__(self, program, folder, deck=DECK):
        self.program, self.folder = program, folder
        (folder / "deck").mkdir(parents=True)
        (folder / "deck" / "deck.yaml").write_text(deck, encoding="utf-8")
        for command, before, after in (("generate", "deck", "data"), ("train", "data", "trained")):
            shutil.copytree(folder / before, folder / after)
            program.run(folder / after, 1, [command, "deck.yaml"]).require(0)
        self._left = {}

    def copy(self, name, target):
        """A prepared folder, copied to the new folder `target`."""
        shutil.copytree(self.folder / name, target)
        return target

    def left_by(self, command, *words):
        """contents() after `command`, undisturbed."""
        key = (command, *words)
        if key not in self._left:
            folder = self.copy(COMMANDS[command], self.folder / "reference")
            self.program.run(folder, 1, [command, "deck.yaml", *words]).require(0)
            self._left[key] = contents(folder)
            shutil.rmtree(folder)
        return self._left[key]


def words_to_continue(folder):
    """The command that goes on with the training in `folder`, wherever it was ended."""
    if (folder / "run" / "checkpoint.h5").exists():
        return ["train", "deck.yaml", "--resume"]
    return ["train", "deck.yaml"]


def require_whole_training(folder, expected):
    """Raises Finding unless the training left what an undisturbed one leaves, and nothing else."""
    found = contents(folder)
    others = differences(found, expected)
    if others:
        raise Finding("other than undisturbed: " + ", ".join(path + ("" if path in expected else " (left behind)") +
                                                             ("" if path in found else " (missing)")
                                                             for path in others))
