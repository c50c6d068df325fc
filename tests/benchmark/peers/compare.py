"""Times of a training step and of a forecast of spnode and of its peers, and their ratios.

Everything is pinned to one core with one thread. Every peer is a process of its own that compiles and warms up once; then
in every round each measures in turn, so that a slow moment of the machine meets all alike. A measurement is the best time
of one call in `--seconds`; the table, in Markdown, gives medians over the rounds. A ratio above one means that the peer
takes longer; it is formed round by round. The range in brackets is that of the rounds' ratios.
"""

import argparse
import contextlib
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import measure  # noqa: E402

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
PROBLEMS = ("ks20_bilinear", "ks20_lipschitz", "robertson")
PRECISIONS = ("double", "float")
WORK = ("step", "forecast")


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
    parser.add_argument("--spnode", type=pathlib.Path, default=measure.BUILD,
                        help="folder of benchmark_training_step and benchmark_forecast")
    parser.add_argument("--problems", nargs="+", default=PROBLEMS, metavar="NAME")
    parser.add_argument("--peers", nargs="+", default=[peer for peer in PEERS if not peer.endswith("factors")],
                        choices=list(PEERS), metavar="PEER")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS,
                        help="float compares with spnode's mixed precision")
    parser.add_argument("--work", nargs="+", choices=WORK, default=WORK)
    parser.add_argument("--trained", action="store_true",
                        help="decay rates of trained operators: the papers' formulation costs steps ~ dt ||A||")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="measuring time of a peer in a round")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--avx2", action="store_true",
                        help="hold the peers to AVX2, beside spnode built for x86-64-v3")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all measurements")
    return parser.parse_args()


def peer_environment(folder, avx2):
    """MKL takes AVX-512 kernels on processors that have them but are not Intel's only where it is told to."""
    env = measure.environment()
    env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if avx2:
        env["XLA_FLAGS"] += " --xla_cpu_max_isa=AVX2"
        # Of PyTorch only its BLAS and oneDNN: ATEN_CPU_CAPABILITY=avx2 makes what 2.15 compiles crash.
        env |= {"MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    env["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # Later runs find what earlier ones compiled, as PyTorch's do.
    env.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(tempfile.gettempdir()) / "spnode_peers_jax"))
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/cpuinfo").read_text()
        if "AuthenticAMD" in text and "avx512f" in text and not avx2:
            library = folder / "mkl_on_amd.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE / "mkl_on_amd.c"], check=True)
            env["SPNODE_MKL_PRELOAD"] = str(library)
    return env


def pinned(command, core):
    command = ["taskset", "-c", core, *command] if platform.system() == "Linux" else command
    return [str(word) for word in command]


def reason(errors, status):
    """The last line of a traceback that names an error."""
    lines = errors.strip().splitlines() or [f"exit status {status}"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])


def run(command, env, core):
    """The lines of JSON of a program that ends by itself."""
    done = subprocess.run(pinned(command, core), env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(reason(done.stderr, done.returncode))
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Peer:
    """A process that is ready to measure."""

    def __init__(self, command, env, core, folder):
        self.errors = tempfile.TemporaryFile("w+", dir=folder)
        self.process = subprocess.Popen(pinned(command, core), env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        status = self.process.wait()
        self.errors.seek(0)
        raise RuntimeError(reason(self.errors.read(), status))

    def measure(self, work):
        try:
            print(work, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # answer() says why
        row = self.answer()
        if not row["threads_limited"]:
            raise RuntimeError(f"used {row['cpu_per_wall']} threads")
        return row

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


class Comparison:
    """spnode and the peers on one problem in one precision."""

    def __init__(self, options, env, folder, problem, precision):
        self.options, self.env, self.folder = options, env, folder
        self.problem, self.precision = problem, precision
        self.trained = ["--trained"] if options.trained else []
        self.peers = {}

    def attempt(self, peer, action):
        """What `action` returns; a peer that fails is left out, with its error."""
        try:
            return action()
        except RuntimeError as error:
            print(f"{self.problem}, {self.precision}, {peer}: left out: {error}", file=sys.stderr)
            self.peers.pop(peer, None)
            return None

    def start(self, peer):
        script, formulation = PEERS[peer]
        work = [work for work in self.options.work if suits(peer, self.problem, work)]
        # kvaerno5's tolerance, 1e-8, is below the rounding of float.
        if not work or (formulation == "kvaerno5" and self.precision == "float"):
            return
        env = self.env
        if "SPNODE_MKL_PRELOAD" in env and script.startswith("torch"):
            env = env | {"LD_PRELOAD": env["SPNODE_MKL_PRELOAD"]}
        command = [sys.executable, HERE / script, self.folder / self.problem, "--formulation", formulation,
                   "--precision", self.precision, "--seconds", self.options.seconds, "--serve", "--work", *work]
        begin = time.monotonic()
        started = self.attempt(peer, lambda: Peer(command, env, self.options.core, self.folder))
        if started:
            self.peers[peer] = started
            print(f"{self.problem}, {self.precision}, {peer}: ready after {time.monotonic() - begin:.0f} s",
                  file=sys.stderr)

    def spnode(self, work):
        program = "benchmark_training_step" if work == "step" else "benchmark_forecast"
        command = [self.options.spnode / program, "--problem", self.problem, *self.trained, "--json", "--brief",
                   "--seconds", self.options.seconds, "--precision", "mixed" if self.precision == "float" else "double"]
        row = run(command, self.env, self.options.core)[-1]
        return row | {"ms": row["step ms" if work == "step" else "run ms"]}

    def measure(self):
        """{work: rounds of {"spnode": row, peer: row ...}}"""
        run([self.options.spnode / "benchmark_training_step", "--problem", self.problem, *self.trained, "--export",
             self.folder], self.env, self.options.core)
        for peer in self.options.peers:
            self.start(peer)
        rounds = {work: [] for work in self.options.work}
        for _ in range(self.options.rounds):
            for work in self.options.work:
                results = {"spnode": self.spnode(work)}
                for peer in [peer for peer in self.peers if suits(peer, self.problem, work)]:
                    row = self.attempt(peer, lambda: self.peers[peer].measure(work))
                    if row:
                        results[peer] = row
                rounds[work].append(results)
        for peer in self.peers.values():
            peer.close()
        return rounds


def notes(name, rows):
    parts = [rows[0].get("variant", "")]
    if rows[0].get("plan"):
        parts.append(f"(s, m) = {tuple(rows[0]['plan'])}")
    if name == "spnode":
        parts.append(f"{statistics.median(row['of best %'] or 0 for row in rows):.0f} % of the best product rate")
    if rows[0].get("products_gflops"):
        parts.append("products at " + ", ".join(f"{rate:.0f}" for rate in rows[0]["products_gflops"].values()))
    busy = min(row.get("cpu_per_wall", 1.0) for row in rows)
    if busy < 0.9:
        parts.append(f"another process had {100 * (1 - busy):.0f} % of the core")
    return "; ".join(part for part in parts if part)


def table_rows(problem, precision, work, rounds):
    for name in rounds[0]:
        rows = [results[name] for results in rounds if name in results]
        ratios = [results[name]["ms"] / results["spnode"]["ms"] for results in rounds if name in results]
        ratio = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        yield (problem, precision, work, name, f"{statistics.median(row['ms'] for row in rows):.3f}",
               "" if name == "spnode" else ratio, notes(name, rows))


def main():
    options = arguments()
    everything = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        env = peer_environment(folder, options.avx2)
        measure.describe(run([options.spnode / "benchmark_training_step", "--problem", "grad13", "--brief", "--seconds",
                              0.01, "--json"], env, options.core)[0])
        measure.table(("problem", "precision", "work", "program", "ms", "ratio to spnode", "notes"), ())
        for problem in options.problems:
            for precision in options.precision:
                for work, rounds in Comparison(options, env, folder, problem, precision).measure().items():
                    measure.rows_of_table(table_rows(problem, precision, work, rounds))
                    everything.append({"problem": problem, "precision": precision, "work": work, "rounds": rounds})
    if options.json:
        options.json.write_text(json.dumps({"trained": options.trained, "measurements": everything}, indent=1))


if __name__ == "__main__":
    main()
