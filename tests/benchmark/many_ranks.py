"""Start and checkpoints against the number of ranks, which may be many more than there are cores, in Markdown.

    /usr/bin/python3 tests/benchmark/many_ranks.py [RANKS ...] [--spnode BUILD/bin/spnode] [--folder FOLDER]

"Start" is the time of `spnode check` on a deck without data, "train" that of a training of two epochs, "checkpoint" what an epoch
takes longer with a checkpoint after it, the least of twenty. Ranks that share a core wait for each other: times say what grows with
the number of ranks, not how fast a machine of so many cores is.
"""

import argparse
import csv
import pathlib
import subprocess
import time

import measure

DECK = """
output: run
data: {train: train.h5, validation: validation.h5}
generate: {system: transient_growth, epsilon: 0, train: 256, validation: 64, times: 6, t_end: 2}
model: {nonlinear: [bilinear], bilinear: {rank: 10}, scaling: {kind: none}}
training: {batch: 256, tile: 2, validate_every: 100, spectrum_every: 0, checkpoint_epochs: 0, adam: {epochs: 2}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ranks", nargs="*", type=int, default=[1, 2, 4, 16, 64], metavar="RANKS")
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD / "spnode")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("many_ranks"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    (options.folder / "deck.yaml").write_text(DECK)

    def seconds(ranks, *words):
        start = time.monotonic()
        done = subprocess.run(["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), options.spnode.resolve(),
                               *words], cwd=options.folder, env=measure.environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
        return time.monotonic() - start

    def epoch():
        with open(options.folder / "run/history.csv") as file:
            return min(float(row["seconds"]) for row in csv.DictReader(file))

    seconds(1, "generate", "deck.yaml", "--overwrite")
    measure.table(("ranks", "start, s", "train, s", "checkpoint, ms"), ())
    for ranks in options.ranks:
        start = seconds(ranks, "check", "deck.yaml", 'data.train=""', 'data.validation=""')
        train = seconds(ranks, "train", "deck.yaml", "--overwrite")
        epochs = []
        for every in (0, 1):
            seconds(ranks, "train", "deck.yaml", "--overwrite", "training.adam.epochs=20", f"training.checkpoint_epochs={every}")
            epochs.append(epoch())
        measure.rows_of_table([(ranks, f"{start:.1f}", f"{train:.1f}", f"{1e3 * (epochs[1] - epochs[0]):.0f}")])


if __name__ == "__main__":
    main()
