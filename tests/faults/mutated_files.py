"""Trajectory files that HDF5 allows and nobody expects: other types, ranks, layouts, filters, links and attributes."""
import subprocess
import sys

from results import all_finite
from running import Finding

# The files are made by a process of their own: HDF5 may end with its process, or refuse.
MAKER = __file__.replace("mutated_files.py", "strange_files.py")


class MutatedFiles:
    """A strange HDF5 file through `info`, `check` and `train`."""

    name = "files"

    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks

    def case(self, rng, folder):
        self.prepared.copy("data", folder)
        made = subprocess.run([sys.executable, "-B", MAKER, "strange.h5",
                               str(rng.randrange(2**32))],
                              cwd=folder,
                              capture_output=True,
                              text=True,
                              check=False)
        if not (folder / "strange.h5").exists():
            raise RuntimeError(made.stderr)
        ranks = rng.choice(self.ranks)
        statuses = set()
        try:
            for words in (["info",
                           "strange.h5"], ["check", "deck.yaml",
                                           "data.train=strange.h5"], ["train", "deck.yaml", "data.train=strange.h5"]):
                result = self.program.run(folder, ranks, words, memory_kb=8 << 20, stoppable=words[0] == "train")
                result.require(0, 2, 3, *([5] if words[0] != "info" else []))
                statuses.add(result.status)
            if result.status == 0 and not all_finite(folder / "run" / "model.h5"):
                raise Finding("status 0, but the model holds numbers that are not finite")
        except Finding as finding:
            raise Finding(f"{made.stdout.strip()}: {finding}") from None
        return "refused" if statuses & {2, 3} else "unharmed"
