"""Strong scaling of a training step from one rank to several, each bound to a core of its own.

Runs on one rank and on all alternate (`--rounds`); times are medians over the rounds, a speed-up is the median of the
rounds' ratios, with their range. The shares say what a step spends outside the tiles: exact sum (with its two
allreduces), update (assemble and matrix functions), pull-back, Adam; the rest is the hot loop. "tiles of a rank" is the
most that any rank computes: where the ranks cannot share evenly that bounds the speed-up.
"""

import argparse
import math
import pathlib
import statistics

import measure

SHARES = ("update", "sum", "pull back", "adam")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD, help="folder of benchmark_training_step")
    parser.add_argument("--problems", nargs="+", metavar="NAME",
                        default=("ks20_bilinear", "ks20_lipschitz", "ks20_etd1"))
    parser.add_argument("--tiles", nargs="+", type=int, default=(32,), metavar="N")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=("double", "mixed"), default="double")
    return parser.parse_args()


def run(options, env, ranks):
    command = ["mpirun", "-n", ranks, "--bind-to", "core", options.spnode / "benchmark_training_step", "--problem",
               ",".join(options.problems), "--tile", ",".join(map(str, options.tiles)), "--precision", options.precision,
               "--json"]
    return measure.rows(command, env)


def main():
    options = arguments()
    env = measure.environment()
    rounds = []
    for number in range(options.rounds):
        machine, one = run(options, env, 1)
        rounds.append((one, run(options, env, options.ranks)[1]))
        if number == 0:
            measure.describe(machine)
    median = lambda rows, value: statistics.median(value(row) for row in rows)
    body = []
    for i, first in enumerate(rounds[0][0]):
        pairs = [(one[i], several[i]) for one, several in rounds]
        speedups = [one["step ms"] / several["step ms"] for one, several in pairs]
        tiles = math.ceil(first["batch"] / first["tile"])
        for ranks, rows in ((1, [one for one, _ in pairs]), (options.ranks, [several for _, several in pairs])):
            speedup = f"{statistics.median(speedups):.2f} [{min(speedups):.2f}, {max(speedups):.2f}]"
            body.append((
                first["problem"], f"{first['tile']:.0f}", ranks, f"{math.ceil(tiles / ranks)} of {tiles}",
                f"{median(rows, lambda row: row['step ms']):.3f}", "" if ranks == 1 else speedup,
                *(f"{median(rows, lambda row: 100 * row[share] / row['step ms']):.1f}" for share in SHARES),
                f"{median(rows, lambda row: row['other %']):.1f}", f"{median(rows, lambda row: row['of best %']):.0f}",
            ))
    measure.table(("problem", "tile", "ranks", "tiles of a rank", "step ms", "speed-up",
                   *(f"{share} %" for share in SHARES), "all of these %", "of best %"), body)


if __name__ == "__main__":
    main()
