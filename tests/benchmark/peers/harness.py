"""What all peers share: command line, timing, the check that threads are limited, the result as one line of JSON."""

import argparse
import json
import os
import statistics
import time

# Before any numerical library is loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

PRODUCTS = {"512x512x512": (512, 512, 512), "256x20x800": (256, 20, 800)}  # M x K x N


def arguments(description, formulations):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", help="folder written by benchmark_training_step --export")
    parser.add_argument("--formulation", choices=formulations, default=formulations[0])
    parser.add_argument("--precision", choices=("double", "float"), default="double")
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time")
    parser.add_argument("--forecast", action="store_true", help="forward only")
    parser.add_argument("--check", action="store_true", help="compare with spnode and leave")
    return parser


def median_time(work, seconds):
    """Median time of one call, in seconds; `work` must wait for its own result. The first calls, which compile and
    warm up, do not count; slow work is called at least once more."""
    work()
    begin = time.perf_counter()
    for _ in range(2):
        if time.perf_counter() - begin < 0.1 * seconds:
            work()
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds or not times:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def cpu_per_wall(work, seconds=0.5):
    """CPU time of the whole process over wall time: above one where threads are not limited."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        work()
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def product_rates(make_product):
    """GFLOP/s of matrix products; make_product(M, K, N) returns a call that does one and waits for it."""
    rates = {}
    for name, (M, K, N) in PRODUCTS.items():
        rates[name] = round(2e-9 * M * K * N / median_time(make_product(M, K, N), 0.2), 1)
    return rates


def report(problem, options, step, make_product, **facts):
    """Measures `step` and prints one line of JSON."""
    seconds = median_time(step, options.seconds)
    share = cpu_per_wall(step)
    print(
        json.dumps(
            {
                "problem": problem.name,
                "precision": options.precision,
                "formulation": options.formulation,
                "work": "forecast" if options.forecast else "step",
                "ms": 1e3 * seconds,
                "cpu_per_wall": round(share, 3),
                "threads_limited": share <= 1.05,
                "products_gflops": product_rates(make_product),
                **facts,
            }
        ),
        flush=True,
    )


def report_agreement(problem, options, loss, gradient, forecast):
    """Prints the relative deviations from spnode's loss, gradient (a flat vector, frozen entries zero) and
    forecast (batch, times, m)."""
    import numpy as np

    def deviation(mine, theirs):
        return float(np.linalg.norm(np.asarray(mine, np.float64) - theirs) / np.linalg.norm(theirs))

    print(
        json.dumps(
            {
                "problem": problem.name,
                "precision": options.precision,
                "formulation": options.formulation,
                "work": "check",
                "loss_deviation": abs(float(loss) - problem.loss) / abs(problem.loss),
                "gradient_deviation": deviation(gradient, problem.gradient),
                "forecast_deviation": deviation(forecast, problem.forecast),
            }
        ),
        flush=True,
    )
