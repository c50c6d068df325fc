"""How the time of a training step grows: with batch, rollout length, latent dimension and hidden width.

Every axis is measured over its points in turns (`--rounds`), one thread on one core; a point is the median over the
rounds of each round's best time. The slope is that of a line through log(time) over log(size); beside it stands the slope
of the counted matrix products over the same points, which the time would have if nothing else cost anything.
"""

import argparse
import math
import pathlib
import statistics

import measure

# (axis, problem, option, sizes, why the slope is what it is)
AXES = [
    ("batch", "ks20_bilinear", "--batch", (8, 16, 32, 64, 128, 256, 512, 1024),
     "Proportional to the batch from a few tiles of 32 on; below, the {fixed} ms show that a step spends whatever its batch "
     "(coefficients, phi matrices, pull-back, exact sum, Adam)."),
    ("batch", "ks20_lipschitz", "--batch", (8, 16, 32, 64, 128, 256, 512, 1024),
     "As above with {fixed} ms: normalised weights are cheaper to assemble than a bilinear form."),
    ("intervals", "ks20_bilinear", "--intervals", (1, 2, 4, 8, 16, 32),
     "Every interval costs the same: forward and reverse sweep touch each step's tape once, so that leaving L2 costs a few "
     "per cent."),
    ("substeps", "ks20_bilinear", "--substeps", (1, 2, 4, 8, 16, 32),
     "Every step costs the same; {fixed} ms do not depend on their number (as for the batch, and the staging, decoding and "
     "loss of two intervals)."),
    ("intervals", "ks20_lipschitz", "--intervals", (2, 4, 8, 16, 32, 64),
     "Every interval costs the same; {fixed} ms per step of training are fixed."),
    ("latent dimension", "ks20_bilinear", "--latent", (8, 16, 24, 32, 40, 48, 56, 64),
     "Quadratic forms grow with n^3, phi products with n^2, the decoder with n; the rate of products rises with n, which "
     "lowers the slope."),
    ("latent dimension", "ks20_lipschitz", "--latent", (8, 16, 24, 32, 40, 48, 56, 64),
     "Network (n x 200) and decoder grow with n, phi products with n^2; tanh of the 200 hidden values, their tape, staging "
     "and loss do not depend on n."),
    ("dimension", "block_diagonal", "--latent", (1000, 3000, 10000, 30000, 100000),
     "Linear in n, and a little more where states leave the caches."),
    ("hidden width", "ks20_lipschitz", "--hidden", (25, 50, 100, 200, 400, 800, 1600),
     "Network, tanh and tape grow with the width; phi products, decoder, staging and loss, {fixed} ms, do not."),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD, help="folder of benchmark_training_step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="measuring time of a point in a round")
    parser.add_argument("--precision", choices=("double", "mixed"), default="double")
    parser.add_argument("--cpu-time", action="store_true", help="processor time, for a busy machine")
    parser.add_argument("--core", type=int, default=0)
    return parser.parse_args()


def fit(sizes, values):
    """Slope and R^2 of log(value) over log(size)."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return statistics.linear_regression(x, y).slope, statistics.correlation(x, y) ** 2


def fixed_part(sizes, times):
    """a of time = a + b size, with errors relative to the time."""
    weight = [1.0 / time**2 for time in times]
    mean = lambda values: sum(w * v for w, v in zip(weight, values)) / sum(weight)
    x, t = mean(sizes), mean(times)
    b = mean([(s - x) * (y - t) for s, y in zip(sizes, times)]) / mean([(s - x) ** 2 for s in sizes])
    return t - b * x


def main():
    options = arguments()
    env = measure.environment()
    measured = [[] for _ in AXES]
    for number in range(options.rounds):
        for axis, (_, problem, name, sizes, _) in zip(measured, AXES):
            command = ["taskset", "-c", options.core, options.spnode / "benchmark_training_step", "--problem", problem,
                       name, ",".join(map(str, sizes)), "--precision", options.precision, "--brief", "--json",
                       "--seconds", options.seconds, *(["--cpu-time"] if options.cpu_time else [])]
            machine, rows = measure.rows(command, env)
            axis.append(rows)
        if number == 0:
            measure.describe(machine)
    body = []
    for (axis, problem, _, sizes, why), rounds in zip(AXES, measured):
        times = [statistics.median(rows[i]["step ms"] for rows in rounds) for i in range(len(sizes))]
        slope, square = fit(sizes, times)
        products = fit(sizes, [row["MFLOP"] for row in rounds[0]])[0]
        points = ", ".join(f"{size}: {time:.3g}" for size, time in zip(sizes, times))
        body.append((axis, problem, points, f"{slope:.2f}", f"{square:.4f}", f"{products:.2f}",
                     why.format(fixed=f"{fixed_part(sizes, times):.2f}")))
    measure.table(("axis", "problem", "size: ms per step", "slope", "R^2", "slope of the products", "why"), body)


if __name__ == "__main__":
    main()
