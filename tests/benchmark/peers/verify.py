"""Asserts that the peers compute spnode's loss, gradient and forecast: to 1e-10 in double precision.

Only that makes a comparison of times honest. diffrax and torchdiffeq solve the differential equation to a tolerance
instead of taking spnode's steps; where spnode's step resolves the equation (ks20_bilinear) they must come close.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import compare

EXACT = ("jax best", "jax factors", "jax paper", "torch best", "torch factors", "torch paper")
PROBLEMS = ("ks20_bilinear", "ks20_lipschitz", "ks20_etd1", "ks64_bilinear", "ks7_lipschitz", "ks7_bilinear", "robertson",
            "grad13")
BATCH = 5


def check(folder, env, problem, peer, bound):
    script, formulation = compare.PEERS[peer]
    command = [sys.executable, compare.HERE / script, folder / problem, "--formulation", formulation, "--check"]
    result = compare.run(command, env, 0)[-1]
    worst = max(result[f"{quantity}_deviation"] for quantity in ("loss", "gradient", "forecast"))
    print(f"{problem:16} {peer:20} {worst:9.1e}  (bound {bound:g})", flush=True)
    return worst <= bound


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=compare.HERE.parents[2] / "build/release/bin",
                        help="folder of benchmark_training_step")
    parser.add_argument("--problems", nargs="+", default=PROBLEMS, metavar="NAME")
    options = parser.parse_args()
    agree = True
    # Tiny batches need no compiled kernels for speed: PyTorch runs its operations one by one.
    env = dict(os.environ, TORCH_COMPILE_DISABLE="1")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for problem in options.problems:
            compare.run(
                [options.spnode / "benchmark_training_step", "--problem", problem, "--batch", BATCH, "--export", folder],
                env, 0,
            )
            for peer in EXACT:
                if compare.suits(peer, problem, "step"):
                    agree &= check(folder, env, problem, peer, 1e-10)
        if "ks20_bilinear" in options.problems:
            solvers = ("diffrax tsit5", "diffrax kencarp4", "torchdiffeq odeint", "torchdiffeq adjoint")
            for peer in solvers:
                agree &= check(folder, env, "ks20_bilinear", peer, 1e-2)
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
