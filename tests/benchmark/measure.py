"""What the scripts that run benchmark programs share: their environment, their rows, tables in Markdown."""

import json
import os
import pathlib
import subprocess
import sys

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin"


def environment():
    """One thread. Which kernels BLAS takes is up to the programs: those of the level that they were built for."""
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    if os.geteuid() == 0:
        env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return env


def rows(command, env):
    """The JSON objects that a benchmark program prints, without the first, which describes the machine."""
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
    for line in done.stderr.splitlines():
        if line.startswith("WARNING"):
            print(line, file=sys.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return lines[0], lines[1:]


def describe(machine):
    print(f"{machine['processor']}, built for {machine['built_for']}; {machine['blas']}; load {machine['load']:.1f}\n")


def rows_of_table(body):
    for line in body:
        print("| " + " | ".join(str(cell) for cell in line) + " |", flush=True)


def table(head, body):
    """A table in Markdown, printed; more rows may follow."""
    rows_of_table((head, ["---"] * len(head), *body))
