"""What all peers share: command line, timing, the check that threads are limited, the result as one line of JSON."""

import argparse
import json
import os
import sys
import time

# Before any numerical library is loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

WORK = ("step", "forecast")
PRODUCTS = {"512x512x512": (512, 512, 512), "256x20x800": (256, 20, 800)}  # M x K x N


def arguments(description, formulations):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", help="folder written by benchmark_training_step --export")
    parser.add_argument("--formulation", choices=formulations, default=formulations[0])
    parser.add_argument("--precision", choices=("double", "float"), default="double")
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time")
    parser.add_argument("--work", nargs="+", choices=WORK, default=["step"])
    parser.add_argument("--serve", action="store_true",
                        help="get ready, then measure whatever kind of work a line of the input names, until it ends")
    parser.add_argument("--check", action="store_true", help="compare with spnode and leave")
    return parser


def warm(work, seconds):
    """The first calls, which compile and fill caches; slow work is called once."""
    begin = time.perf_counter()
    work()
    for _ in range(2):
        if time.perf_counter() - begin < 0.1 * seconds:
            work()


def best_time(work, seconds):
    """Best time of one call, as spnode's benchmarks take it, and the processor time of the whole process over the time
    on the wall, above one where threads are not limited; `work` must wait for its own result."""
    best, cpu, begin = float("inf"), time.process_time(), time.perf_counter()
    while True:
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        best = min(best, end - start)
        if end - begin >= seconds:
            return best, (time.process_time() - cpu) / (end - begin)


def timed(work, seconds):
    warm(work, seconds)
    return best_time(work, seconds)[0]


def product_rates(make_product):
    """GFLOP/s of matrix products; make_product(M, K, N) returns a call that does one and waits for it."""
    rates = {}
    for name, (M, K, N) in PRODUCTS.items():
        rates[name] = round(2e-9 * M * K * N / timed(make_product(M, K, N), 0.1), 1)
    return rates


def report(problem, options, make, make_product, **facts):
    """Measures calls, make("step") or make("forecast"), and prints a line of JSON for each, with the facts; a fact that
    is a dict holds one for each kind of work. Where it serves, the first line says that it is ready."""

    def say(**row):
        print(json.dumps(row), flush=True)

    def measure(work):
        seconds, share = best_time(calls[work], options.seconds)
        say(ms=1e3 * seconds, cpu_per_wall=round(share, 3), threads_limited=share <= 1.05, work=work, **common,
            **{name: fact[work] if isinstance(fact, dict) else fact for name, fact in facts.items()})

    common = {"problem": problem.name, "precision": options.precision, "formulation": options.formulation}
    calls = {work: make(work) for work in options.work}
    for call in calls.values():
        warm(call, options.seconds)
    common["products_gflops"] = product_rates(make_product)
    if not options.serve:
        for work in calls:
            measure(work)
        return
    say(ready=True)
    for line in sys.stdin:
        measure(line.strip())


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
