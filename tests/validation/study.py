"""A system of a paper: its goals, and the runs of the program that they are measured on."""
import csv
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

try:
    import h5py
    import yaml
except ImportError as missing:
    print(f"{missing}; install python3-h5py and python3-yaml and use /usr/bin/python3", file=sys.stderr)
    sys.exit(77)

REPOSITORY = Path(__file__).resolve().parents[2]
HALF, FINE = "half_step_", "fine_grid_"  # prefixes of metrics.csv


class Failure(Exception):
    """A command of the program failed."""


@dataclass
class Goal:
    """A line of the table: the metric, and the limit that `judged` values of it must keep."""
    metric: str
    limit: float | None = None    # None: reported, not judged
    at_least: bool = False        # the limit is a lower one
    judged: tuple = ("",)         # prefixes of what must keep it; the mean over the seeds counts
    paper: str = ""

    def text(self):
        where = {"": "", HALF: "half the step", FINE: "finer grid"}
        at = ", ".join(where[prefix] for prefix in self.judged if prefix)
        sense = "at least" if self.at_least else "below"
        return "-" if self.limit is None else f"{sense} {self.limit:g}" + (f" ({at})" if at else "")

    def kept(self, prefix, value):
        return prefix not in self.judged or (value >= self.limit if self.at_least else value < self.limit)


@dataclass
class System:
    goals: list
    finer: tuple | None           # words for generate that make the finer grid; None: there is none
    generate: tuple = ()          # further words for all data
    evaluate: tuple = ()          # further words for evaluate
    measures: tuple = ()          # functions (study, run) -> metrics that the program does not print
    deck: str = ""                # of input/, where it is not named as the system
    words: tuple = ()             # that the deck is changed by
    further: dict = field(default_factory=dict)  # words for generate that make the other files of the data section
    figure: object = None         # function (study, run, file) that draws one


def processor_seconds():
    """Of all commands so far, on all ranks: other programs on the machine do not change it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Study:
    """Runs the program on one deck, in a folder that the deck's relative paths start at."""

    def __init__(self, name, system, options):
        self.name, self.system, self.options = name, system, options
        self.folder = options.folder.resolve()
        self.deck = REPOSITORY / "input" / f"{self.system.deck or name}.yaml"

    def spnode(self, command, *words, accept=(0,)):
        launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(self.options.ranks)]
        done = subprocess.run([*(launch if self.options.ranks > 1 else []), self.options.spnode.resolve(), command,
                               self.deck, *self.system.words, *words], cwd=self.folder, capture_output=True,
                              text=True, check=False)
        if done.returncode not in accept:
            raise Failure(f"{self.name}: {command}: status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def data(self, split):
        """One of the deck's files, or of the words that change it."""
        named = dict(word.split("=", 1) for word in self.system.words).get(f"data.{split}")
        return self.folder / (named or yaml.safe_load(self.deck.read_text(encoding="utf-8"))["data"][split])

    def finer_test(self):
        return self.folder / "finer" / f"{self.name}.h5"

    def generate(self):
        """The deck's data where there are none, and test data on the finer grid."""
        if self.options.again or not all(self.data(split).exists() for split in ("train", "validation", "test")):
            self.spnode("generate", *self.system.generate, "--overwrite")
        for split, words in self.system.further.items():
            if self.options.again or not self.data(split).exists():
                self.spnode("generate", f"data.train={self.data(split)}", "generate.validation=0", "generate.test=0", *words,
                            "--overwrite")
        if self.system.finer is not None and (self.options.again or not self.finer_test().exists()):
            unused = [f"data.{split}=finer/unused_{split}.h5" for split in ("train", "validation")]
            self.spnode("generate", *self.system.generate, *self.system.finer, "generate.train=1", *unused,
                        "generate.validation=1", f"data.test={self.finer_test()}", "--overwrite")

    def evaluate(self, run, output, *words):
        self.spnode("evaluate", f"output={output}", f"evaluate.model={run}/model.h5", *self.system.evaluate, *words,
                    "evaluate.require_error=0", "evaluate.require_valid_time=0", "--overwrite")

    def forecast(self, run, *words):
        output = self.folder / run / "unkept.h5"
        self.spnode("forecast", f"output={run}", f"forecast.output={output}", *words, "--overwrite")
        with h5py.File(output) as file:
            states = file["state"][...]
        output.unlink()
        return states

    def metrics(self, run):
        """The scalars of metrics.csv, the last of each series of errors, the largest error of a component."""
        found = {}
        with (self.folder / run / "metrics.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                name = row["metric"].replace("relative_error", "final_error") if row["time"] else row["metric"]
                found[name] = float(row["value"])
        for prefix in ("", HALF, FINE):
            largest = [value for name, value in found.items() if name.startswith(f"{prefix}max_error_")]
            if largest:
                found[f"{prefix}max_error"] = max(largest)
        return found

    def run_of(self, seed):
        return f"runs/{self.name}/seed{seed}"

    def run(self, seed):
        """All metrics of one seed."""
        run = self.run_of(seed)
        seconds = self.folder / run / "training_seconds"
        if self.options.again or not seconds.exists():
            before = processor_seconds()
            self.spnode("train", f"output={run}", f"seed={seed}", "--overwrite")
            seconds.write_text(f"{processor_seconds() - before}\n", encoding="utf-8")
        self.evaluate(run, run, *([] if self.system.finer is None else [f"evaluate.fine_data={self.finer_test()}"]))
        found = self.metrics(run) | {"training": float(seconds.read_text(encoding="utf-8"))}
        for measure in self.system.measures:
            found |= measure(self, run)
        return found
