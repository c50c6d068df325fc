"""Damaged files: flipped bits, cut ends, zeroed, repeated and appended bytes. What is sealed is refused; what has no
checksum is refused, or leads to finite results."""
import signal
import time

from interruptions import LONG
from results import all_finite, contents, differences
from running import Finding, send

# Files with a checksum, and the commands that read them. What is damaged in them never goes unseen.
SEALED = {
    "run/model.h5": [["forecast"], ["evaluate"], ["spectrum"]], "run/checkpoint.h5": [["train", *LONG, "--resume"]]
}
# Files of anybody.
OPEN = {
    "train.h5": [["train", *LONG], ["check"]], "validation.h5": [["train", *LONG], ["check"]],
    "test.h5": [["forecast"], ["evaluate"]], "run/history.csv": [["train", *LONG, "--resume"]]
}


def flip(rng, data):
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_several(rng, data):
    for _ in range(rng.randint(2, 8)):
        flip(rng, data)


def truncate(rng, data):
    del data[rng.choice([rng.randrange(len(data)), len(data) - rng.randint(1, min(32, len(data)))]):]


def block(rng, data):
    """Ends of a random piece."""
    begin = rng.randrange(len(data))
    return begin, min(len(data), begin + rng.choice([1, 8, 64, 512, 4096]))


def zero(rng, data):
    begin, end = block(rng, data)
    data[begin:end] = bytes(end - begin)


def scramble(rng, data):
    begin, end = block(rng, data)
    data[begin:end] = rng.randbytes(end - begin)


def overwrite(rng, data):
    """One piece lies in the place of another."""
    begin, end = block(rng, data)
    target = rng.randrange(len(data))
    data[target:target + end - begin] = data[begin:end]


def repeat(rng, data):
    """A piece stands there twice."""
    begin, end = block(rng, data)
    data[end:end] = data[begin:end]


def append(rng, data):
    data += rng.choice([b"\0", b"\n", rng.randbytes(rng.randint(1, 100)), bytes(4096), bytes(data[-24:])])


def empty(_, data):
    del data[:]


DAMAGES = [flip, flip, flip_several, truncate, zero, scramble, overwrite, repeat, append, empty]


def damage(rng, path, kinds):
    """Changes the file by a random one of `kinds`, whose name is returned."""
    before = path.read_bytes()
    data = bytearray(before)
    while data == before:
        kind = rng.choice(kinds)
        data = bytearray(before)
        kind(rng, data)
    path.write_bytes(data)
    return kind.__name__


class Damage:
    """One damaged file, and a command that reads it."""

    name = "damage"
    kinds = DAMAGES

    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks
        self.stopped = prepared.folder / "stopped"
        if not self.stopped.exists():
            self.stop_a_training()

    def stop_a_training(self):
        """Leaves a training in the middle in self.stopped."""
        self.prepared.copy("data", self.stopped)
        history = self.stopped / "run" / "history.csv"

        def stop(process):
            while process.poll() is None and not (history.exists() and history.read_bytes().count(b"\n") > 20):
                time.sleep(0.001)
            send(self.program.ranks_of(process), signal.SIGUSR1)

        self.program.run(self.stopped, 1, ["train", "deck.yaml", *LONG], disturb=stop).require(75)

    @staticmethod
    def choose_file(rng):
        """(whether it is sealed, its path)."""
        sealed = rng.random() < 0.5
        return sealed, rng.choice(sorted(SEALED if sealed else OPEN))

    def case(self, rng, folder):
        sealed, path = self.choose_file(rng)
        command, *words = rng.choice((SEALED if sealed else OPEN)[path])
        start = "stopped" if "--resume" in words else "data" if command in ("train", "check") else "trained"
        self.prepared.copy(start, folder)
        how = damage(rng, folder / path, self.kinds)
        before, ranks = contents(folder, path), rng.choice(self.ranks)
        try:
            result = self.program.run(folder, ranks, [command, "deck.yaml", *words], memory_kb=8 << 20)
            return self.judge(result, sealed, path, command, words, folder, before)
        except Finding as finding:
            raise Finding(f"{path}: {how}; {command} on {ranks} ranks: {finding}") from None

    def judge(self, result, sealed, path, command, words, folder, before):
        result.require(*([3] if sealed else [0, 2, 3, 5]))
        if result.status in (2, 3):
            if path.rpartition("/")[2] not in result.message:
                raise Finding(f"the message does not name the file: {result.message}")
            others = [other for other in differences(contents(folder, path), before)]
            if others:
                raise Finding("refused, but changed " + ", ".join(others))
            return "refused"
        if result.status == 5 or command == "check":
            return "unharmed"
        return self.judge_results(path, command, words, folder)

    def judge_results(self, path, command, words, folder):
        """Results from a damaged file that nobody can check: as undisturbed, or at least finite."""
        expected = self.prepared.left_by(command, *[word for word in words if word != "--resume"])
        others = set(differences(contents(folder, path), expected)) - {path}
        if "run/model.h5" in others and path == "run/history.csv":
            raise Finding("the history changes the model")
        for other in others:
            if other.endswith(".h5") and not all_finite(folder / other):
                raise Finding(f"status 0, but {other} holds numbers that are not finite")
        return "other numbers" if others or path == "run/history.csv" else "unharmed"


class Flips(Damage):
    """One flipped bit of a model, which no command accepts."""

    name = "flips"
    kinds = [flip]

    @staticmethod
    def choose_file(rng):
        return True, "run/model.h5"
