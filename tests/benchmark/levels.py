"""Steps, forecasts, products and tanh of builds for several levels of the instruction set, in Markdown.

    python3 tests/benchmark/levels.py [LEVEL ...] [--build FOLDER] [--core CORE]

Each level (x86-64-v2, x86-64-v3, x86-64-v4 without words; any value of SPNODE_ARCH) is built in FOLDER/LEVEL. A program
holds BLAS and libxsmm to its own level, so that "of best" is the share of the best products of that level. A level
that the processor lacks is left out.
"""

import argparse
import pathlib
import statistics
import subprocess

import measure

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("training_step", "forecast", "small_products", "activation")
PROBLEMS = "ks20_bilinear,ks20_lipschitz"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("levels", nargs="*", default=["x86-64-v2", "x86-64-v3", "x86-64-v4"], metavar="LEVEL")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/levels")
    parser.add_argument("--core", type=int, default=0, help="the core that the programs are pinned to")
    parser.add_argument("--rounds", type=int, default=3, help="the best of each figure is kept")
    return parser.parse_args()


def build(level, folder):
    subprocess.run(["cmake", "-G", "Ninja", "-S", SOURCE, "-B", folder, "-DCMAKE_BUILD_TYPE=Release",
                    f"-DSPNODE_ARCH={level}"], check=True, stdout=subprocess.DEVNULL)
    targets = [f"benchmark_{name}" for name in PROGRAMS]
    subprocess.run(["cmake", "--build", folder, "--target", *targets], check=True, stdout=subprocess.DEVNULL)


def runs_here(level):
    """Whether this processor has the instructions of a level; other names are taken to fit."""
    needs = {"x86-64-v4": "avx512f", "x86-64-v3": "avx2", "x86-64-v2": "sse4_2"}.get(level, "")
    return needs in pathlib.Path("/proc/cpuinfo").read_text()


def shares(command, env, rounds, time):
    """Of every row that a program prints the shortest time, in ms, and its rate over the best one of all rounds, in %: a
    slow moment of the probe for the best rate must not flatter the row beside it."""
    several = [measure.rows(command, env)[1] for _ in range(rounds)]
    best = max(100.0 * row["GFLOP/s"] / row["of best %"] for rows in several for row in rows)
    fastest = [min(rows, key=lambda row: row[time]) for rows in zip(*several)]
    return [(row[time], 100.0 * row["GFLOP/s"] / best) for row in fastest]


def measured(level, options, env):
    bin = options.build / level / "bin"
    program = lambda name, *words: ["taskset", "-c", options.core, bin / f"benchmark_{name}", "--json", *words]
    steps = shares(program("training_step", "--problem", PROBLEMS, "--brief"), env, options.rounds, "step ms")
    forecasts = shares(program("forecast", "--problem", PROBLEMS), env, options.rounds, "run ms")
    machine, products = measure.rows(program("small_products"), env)
    products = [row for row in products if row["table"] == "small products, double, GFLOP/s"]
    against = [row["core"] / row["libxsmm"] for row in products if row["libxsmm"]]
    tanh = [row["ns per entry"] for row in measure.rows(program("activation"), env)[1]
            if row["method"].startswith("core: bias")]
    yield machine["built_for"]
    yield from (f"{ms:.2f} ({share:.0f} %)" for ms, share in steps + forecasts)
    yield f"{max(row['core'] for row in products):.0f}"
    yield f"{statistics.median(against):.2f}" if against else "-"
    yield from (f"{ns:.2f}" for ns in tanh)


def main():
    options = arguments()
    env = measure.environment()
    head = ("built for", "bilinear step, ms", "network step, ms", "bilinear forecast, ms", "network forecast, ms",
            "best product, GFLOP/s", "products over libxsmm", "tanh, ns, double", "float")
    levels = [level for level in options.levels if runs_here(level)]
    for level in levels:
        build(level, options.build / level)
    measure.table(head, ())
    for level in levels:
        measure.rows_of_table([tuple(measured(level, options, env))])


if __name__ == "__main__":
    main()
