"""Times of a training step (and of a forecast) of spnode and of its peers, and their ratios.

Every measurement is a fresh process pinned to one core with one thread. In a round every program runs once, so that a
slow moment of the machine meets all alike; the table gives medians over the rounds. A ratio above one means that the
peer takes longer; it is formed round by round. The range in brackets is that of the rounds' ratios.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PEERS = {
    "jax best": ("jax_step.py", "best"),
    "jax factors": ("jax_step.py", "factors"),
    "jax paper": ("jax_step.py", "paper"),
    "torch best": ("torch_step.py", "best"),
    "torch factors": ("torch_step.py", "factors"),
    "torch paper": ("torch_step.py", "paper"),
    "diffrax tsit5": ("diffrax_step.py", "tsit5"),
    "diffrax kencarp4": ("diffrax_step.py", "kencarp4"),
    "diffrax kvaerno5": ("diffrax_step.py", "kvaerno5"),
    "torchdiffeq odeint": ("torchdiffeq_step.py", "odeint"),
    "torchdiffeq adjoint": ("torchdiffeq_step.py", "adjoint"),
}
PROBLEMS = ("ks20_bilinear", "ks20_lipschitz", "ks20_etd1", "robertson")


def suits(peer, problem, work):
    """Whether a peer's formulation says something about a problem."""
    if work == "forecast" and not peer.endswith(("best", "paper", "factors")):
        return False
    if problem == "robertson":
        # ||A|| dt reaches 4e8: the Taylor series of the papers would need as many steps, and explicit schemes too.
        return peer.endswith(("best", "kvaerno5"))
    if peer.endswith("kvaerno5"):
        return False  # for stiff systems of few components: minutes for a step of the others
    return not (peer.endswith("factors") and "bilinear" not in problem and problem != "ks20_etd1")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", type=pathlib.Path, default=HERE.parents[2] / "build/release/bin",
                        help="folder of benchmark_training_step and benchmark_forecast")
    parser.add_argument("--problems", nargs="+", default=PROBLEMS, metavar="NAME")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="PEER")
    parser.add_argument("--precision", choices=("double", "float"), default="double",
                        help="float compares with spnode's mixed precision")
    parser.add_argument("--trained", action="store_true",
                        help="decay rates of trained operators: the papers' formulation costs steps ~ dt ||A||")
    parser.add_argument("--work", choices=("step", "forecast"), default="step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time of a peer in a round")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all measurements")
    return parser.parse_args()


def environment(folder):
    """One thread; and AVX-512 kernels of OpenBLAS and MKL on processors that have them but are not Intel's."""
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    env["TF_CPP_MIN_LOG_LEVEL"] = "2"
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/cpuinfo").read_text()
        if "AuthenticAMD" in text and "avx512f" in text:
            env.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
            library = folder / "mkl_on_amd.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE / "mkl_on_amd.c"], check=True)
            env["SPNODE_MKL_PRELOAD"] = str(library)
    return env


def run(command, env, core):
    if platform.system() == "Linux":
        command = ["taskset", "-c", str(core), *command]
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(lines[-1])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def trained(options):
    return ["--trained"] if options.trained else []


def run_spnode(options, problem, env):
    program = "benchmark_training_step" if options.work == "step" else "benchmark_forecast"
    precision = "mixed" if options.precision == "float" else "double"
    rows = run([options.spnode / program, "--problem", problem, "--precision", precision, *trained(options), "--json"],
               env, options.core)
    row = next(row for row in rows if row.get("table") in ("training_step", "forecast"))
    return row | {"ms": row["step ms" if options.work == "step" else "run ms"]}


def run_peer(options, folder, problem, peer, env):
    script, formulation = PEERS[peer]
    command = [sys.executable, HERE / script, folder / problem, "--formulation", formulation,
               "--precision", options.precision, "--seconds", options.seconds]
    if options.work == "forecast":
        command.append("--forecast")
    if "SPNODE_MKL_PRELOAD" in env and script.startswith("torch"):
        env = env | {"LD_PRELOAD": env["SPNODE_MKL_PRELOAD"]}
    result = run(command, env, options.core)[-1]
    if not result["threads_limited"]:
        raise RuntimeError(f"{peer} used {result['cpu_per_wall']} threads")
    return result


def measure(options, folder, env, problem):
    """Rounds of {"spnode": row, peer: row ...}; a peer that fails is left out, with its error once."""
    peers = [peer for peer in options.peers if suits(peer, problem, options.work)]
    rounds = []
    for number in range(options.rounds):
        results = {"spnode": run_spnode(options, problem, env)}
        for peer in list(peers):
            try:
                results[peer] = run_peer(options, folder, problem, peer, env)
            except RuntimeError as error:
                print(f"{problem}, {peer}: {error}", file=sys.stderr)
                peers.remove(peer)
        rounds.append(results)
        print(f"{problem}: round {number + 1} of {options.rounds}", file=sys.stderr)
    return rounds


def print_table(options, problem, rounds):
    print(f"\n{problem}, {options.precision}, {options.work}: ms, and the ratio to spnode")
    for name in rounds[0]:
        times = [results[name]["ms"] for results in rounds if name in results]
        ratios = [results[name]["ms"] / results["spnode"]["ms"] for results in rounds if name in results]
        row = rounds[0][name]
        detail = row.get("variant", "")
        busy = min(results[name].get("cpu_per_wall", 1.0) for results in rounds if name in results)
        if busy < 0.9:
            detail += f"; another process had {100 * (1 - busy):.0f} % of the core"
        if row.get("plan"):
            detail += f" (s, m) = {tuple(row['plan'])}"
        if "products_gflops" in row:
            detail += "; products " + ", ".join(f"{k}: {v}" for k, v in row["products_gflops"].items())
        print(f"  {name:20} {statistics.median(times):10.3f}  {statistics.median(ratios):8.2f}"
              f"  [{min(ratios):.2f}, {max(ratios):.2f}]  {detail.strip('; ')}", flush=True)


def main():
    options = arguments()
    everything = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        env = environment(folder)
        for problem in options.problems:
            run([options.spnode / "benchmark_training_step", "--problem", problem, *trained(options),
                 "--export", folder], env, options.core)
            everything[problem] = measure(options, folder, env, problem)
            print_table(options, problem, everything[problem])
    if options.json:
        facts = {"precision": options.precision, "trained": options.trained, "work": options.work, "problems": everything}
        options.json.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
