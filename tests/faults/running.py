"""Starts the program on some ranks, disturbed or not, and says how every rank ended."""
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "app"))
from program import DECK, mpirun  # noqa: E402, F401

# Every rank runs under a shell that writes down its exit status; strace may stand before the program of one. mpirun
# ends all ranks where one fails: it learns of a killed rank at once, of another failure when all have had time to end.
LAUNCH = """
ulimit -c 0
[ -z "$MEMORY_KB" ] || ulimit -v "$MEMORY_KB"
[ "$OMPI_COMM_WORLD_RANK" != "$TRACED_RANK" ] || set -- $TRACER "$@"
"$@"
status=$?
echo $status > "$STATUS_FOLDER/$OMPI_COMM_WORLD_RANK"
waited=0
while [ $status -gt 0 ] && [ $status -lt 128 ] && [ $waited -lt 300 ]; do
  [ "$(ls "$STATUS_FOLDER" | wc -l)" -lt "$RANKS" ] || break
  sleep 0.05
  waited=$((waited + 1))
done
exit $status
"""

# What a user must never see.
CRASHES = ("*** Process received signal ***", "terminate called", "AddressSanitizer", ": runtime error: ",
           "PETSC ERROR", "Segmentation fault", "core dumped")
# A rank that fails while the others wait for it says so and ends them; mpirun's status is then that of all.
ENDED_BY_ONE = "all ranks are ended"
ERROR = "spnode: error: "


class Finding(Exception):
    """The program broke a promise."""


class SkipCampaign(Exception):
    """The campaign cannot run here."""


class Result:
    """How a run ended: the exit status of every rank (None: not known), mpirun's own, and what was printed."""
    def __init__(self, words, statuses, status, output, hung, stopped):
        self.words, self.statuses, self.status, self.output = words, statuses, status, output
        self.hung = hung  # did not end by itself, nor when asked to
        self.stopped = stopped  # took long, and was asked to end

    @property
    def message(self):
        """The first error message, or the last line."""
        lines = [line for line in self.output.replace("\r", "\n").splitlines() if line.strip()]
        errors = [line for line in lines if ERROR in line]
        return (errors or lines[-1:] or ["(no output)"])[0][:400]

    def complaint(self, legal):
        """What is wrong with the way in which the ranks ended, None where nothing is. `legal`: statuses."""
        legal = set(legal) | ({75} if self.stopped else set())
        if self.hung:
            return "hangs"
        for crash in CRASHES:
            if crash in self.output:
                return f"prints '{crash}'"
        statuses = {self.status} if ENDED_BY_ONE in self.output else set(self.statuses)
        if len(statuses) != 1:
            return f"ranks end with {self.statuses}"
        status = statuses.pop()
        if status not in legal:
            return f"status {status}"
        messages = self.output.count(ERROR)
        if status in (2, 3, 5) and messages != 1:
            return f"status {status} with {messages} messages"
        return None

    def require(self, *legal):
        """Raises Finding unless every rank ended with the same status, one of `legal`, and as it should."""
        problem = self.complaint(legal)
        if problem:
            raise Finding(f"{problem}: {shlex.join(self.words)}: {self.message}")


def family(pid):
    """The process and its descendants, parents first."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:  # ended meanwhile
                pass
    return found


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Program:
    """The program under test."""
    def __init__(self, path, limit):
        self.path = Path(path).resolve()
        self.limit = limit  # seconds that a run may take
        self.sanitized = b"__asan_init" in self.path.read_bytes()

    def ranks_of(self, process):
        """The processes of the ranks of a run, without their children."""
        ranks = []
        children = set()
        for pid in family(process.pid):
            try:
                same = Path(f"/proc/{pid}/exe").resolve() == self.path
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if same and parent not in children:
                ranks.append(pid)
            if same:
                children.add(pid)
        return ranks

    def wait_for_ranks(self, process, count):
        """The processes of the ranks as soon as all are there; fewer where the run ended before."""
        found = []
        deadline = time.monotonic() + self.limit
        while process.poll() is None and len(found) < count and time.monotonic() < deadline:
            found = self.ranks_of(process)
            time.sleep(0.001)
        return found

    def run(self, folder, ranks, words, *, tracer=(), traced_rank=0, disturb=None, memory_kb=None, stoppable=False):
        """Runs `spnode WORDS` in `folder` to its end. `tracer`: words before the program of one rank.
        `disturb(process)` is called after the start. `stoppable`: a run that takes longer than the limit is
        asked by SIGTERM to end, and hangs only if it does not."""
        scratch = folder.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        statuses = Path(tempfile.mkdtemp(dir=scratch))
        command = ["sh", "-c", LAUNCH, "sh", str(self.path), *words]
        environment = {
            **os.environ, "STATUS_FOLDER": str(statuses), "RANKS": str(ranks), "TMPDIR": str(scratch),
            "TRACER": " ".join(tracer), "TRACED_RANK": str(traced_rank),
            "MEMORY_KB": str(memory_kb) if memory_kb and not self.sanitized else "", "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OPENBLAS_NUM_THREADS": "1",
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:" + os.environ.get("ASAN_OPTIONS", "")
        }
        if ranks == 1 and not tracer:  # a traced rank has no daemon of Open MPI as its child, which strace would meet
            environment["OMPI_COMM_WORLD_RANK"] = "0"
        else:
            command = mpirun(ranks, *command)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command,
                                       cwd=folder,
                                       env=environment,
                                       stdin=subprocess.DEVNULL,
                                       stdout=output,
                                       stderr=subprocess.STDOUT,
                                       start_new_session=True)
            if disturb:
                disturb(process)
            hung, stopped = self._wait(process, stoppable)
            output.seek(0)
            text = output.read().decode(errors="replace")
        found = [statuses / str(rank) for rank in range(ranks)]
        ends = [int(path.read_text() or -1) if path.exists() else None for path in found]
        shutil.rmtree(statuses)
        return Result(words, ends, ends[0] if ranks == 1 else process.returncode, text, hung, stopped)

    def _wait(self, process, stoppable):
        """(hung, stopped) of a run, which has ended afterwards in any case."""
        try:
            process.wait(self.limit)
            return False, False
        except subprocess.TimeoutExpired:
            pass
        if stoppable:
            send(self.ranks_of(process), signal.SIGTERM)
            try:
                process.wait(self.limit)
                return False, True
            except subprocess.TimeoutExpired:
                pass
        send(reversed(family(process.pid)), signal.SIGKILL)
        process.wait()
        return True, stoppable
