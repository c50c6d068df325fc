"""Runs the fuzzers (fuzz/*.cpp), which the preset fuzz builds."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

from seeds import write_seeds

MARKS = ("finding: ", "ERROR: ", "runtime error: ", "terminate called")


def fuzz(options, prepared, folder):
    """Runs every fuzzer for its share of the time (or a count of executions); the number of findings."""
    found = options.fuzzers.glob("fuzz_*") if options.fuzzers else []
    programs = sorted(path.resolve() for path in found if os.access(path, os.X_OK))
    if not programs:
        sys.exit("campaign.py fuzz needs --fuzzers FOLDER with the programs fuzz_* (cmake --build --preset fuzz)")
    write_seeds(prepared, folder / "seeds", options.seed)
    seconds = 60 * options.minutes / len(programs) if options.minutes else None
    rows, findings = [], 0
    for path in programs:
        output, finding = run(path, folder, options, seconds)
        executions = re.findall(r"stat::number_of_executed_units: (\d+)", output)
        rows.append((path.name, executions[-1] if executions else "?", finding))
        findings += finding
    print("\n| fuzzer | executions | findings |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    return findings


def run(path, folder, options, seconds):
    """(output, findings: 0 or 1) of one fuzzer, which ends at its first finding."""
    name = path.name.removeprefix("fuzz_")
    corpus, dictionary = folder / "seeds" / name, folder / "seeds" / f"{name}.dict"
    artifacts = folder / "findings" / name
    artifacts.mkdir(parents=True)
    command = [
        str(path),
        str(corpus), f"-seed={options.seed}", f"-artifact_prefix={artifacts}/", "-print_final_stats=1", "-timeout=120",
        "-rss_limit_mb=4096",
        f"-max_total_time={int(seconds)}" if seconds else f"-runs={options.count}"
    ]
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    scratch = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    environment = {
        **os.environ, "TMPDIR": scratch, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OPENBLAS_NUM_THREADS": "1"
    }
    done = subprocess.run(command, cwd=artifacts, env=environment, capture_output=True, check=False)
    output = done.stderr.decode(errors="replace")
    if done.returncode == 0:
        return output, 0
    said = next((line for line in output.splitlines() if any(mark in line for mark in MARKS)),
                f"status {done.returncode}")
    inputs = [str(found) for found in sorted(artifacts.iterdir()) if found.is_file() and "-" in found.name]
    print(f"FINDING {path.name}: {said[:400]}\n  again: {shlex.join([str(path), *inputs])}", flush=True)
    return output, 1
