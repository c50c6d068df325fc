"""Trainings that are killed or stopped, again and again, and resumed to the model of one that never was."""
import shutil
import signal
import time
from pathlib import Path

from results import require_whole_training, words_to_continue
from running import Finding, send
from tracing import choose, on_files, read_calls, require_strace, tracer

# Long enough to be met in the middle, with checkpoints in it.
LONG = ["training.adam.epochs=150", "training.batch=4", "training.checkpoint_epochs=4"]


class Interruptions:
    """What kills and signals have in common: a training is disturbed up to three times, then left alone."""
    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks
        self.expected = prepared.left_by("train", *LONG)
        self.undisturbed = {}  # by number of ranks: seconds

    def seconds(self, ranks, folder):
        """How long an undisturbed training takes."""
        if ranks not in self.undisturbed:
            place = self.prepared.copy("data", folder.parent / "timed")
            start = time.monotonic()
            self.program.run(place, ranks, ["train", "deck.yaml", *LONG]).require(0)
            self.undisturbed[ranks] = time.monotonic() - start
            shutil.rmtree(place)
        return self.undisturbed[ranks]

    def case(self, rng, folder):
        self.prepared.copy("data", folder)
        happened = 0
        for _ in range(rng.randint(1, 3)):
            words = words_to_continue(folder) + LONG
            disturbed = self.disturbed_run(rng, folder, rng.choice(self.ranks), words)
            happened += disturbed
            if not disturbed:
                break
        else:
            self.program.run(folder, rng.choice(self.ranks), words_to_continue(folder) + LONG).require(0)
        require_whole_training(folder, self.expected)
        return "recovered" if happened else "unharmed"

    def moment(self, rng, folder, ranks):
        """A moment of a training, in seconds after its start; one in three at its very beginning."""
        return rng.uniform(0, 0.3) if rng.random() < 1 / 3 else rng.uniform(0, self.seconds(ranks, folder))


class Kills(Interruptions):
    """SIGKILL at a random moment, to one rank or to all, or at a random system call on a file."""

    name = "kills"

    def __init__(self, prepared, ranks):
        require_strace()
        super().__init__(prepared, ranks)
        self.calls = {}  # of an undisturbed training, by number of ranks and rank

    def disturbed_run(self, rng, folder, ranks, words):
        if rng.random() < 0.5:
            result = self.killed_at_moment(rng, folder, ranks, words)
        else:
            result = self.killed_at_call(rng, folder, ranks, words)
        if result.hung and "PMIX ERROR" not in result.output:  # mpirun's own: a rank was killed as it greeted it
            raise Finding("hangs after one rank was killed: " + result.message)
        if all(status == 0 for status in result.statuses):
            return False
        if any(status in (None, 128 + signal.SIGKILL) for status in result.statuses):
            return True
        result.require(0, 3)  # 3: a process that the rank had started was killed
        return True

    def killed_at_moment(self, rng, folder, ranks, words):
        delay, alone = self.moment(rng, folder, ranks), rng.random() < 0.5
        chosen = rng.randrange(ranks)

        def kill(process):
            self.program.wait_for_ranks(process, ranks)
            time.sleep(delay)
            pids = self.program.ranks_of(process)
            send(pids[chosen:chosen + 1] if alone else pids, signal.SIGKILL)

        return self.program.run(folder, ranks, words, disturb=kill)

    def killed_at_call(self, rng, folder, ranks, words):
        rank = rng.randrange(ranks)
        call = choose(rng, self.traced(ranks, rank, folder))
        inject = f"{call.name}:signal=SIGKILL:when={call.number}"
        return self.program.run(folder, ranks, words, tracer=tracer("/dev/null", inject), traced_rank=rank)

    def traced(self, ranks, rank, folder):
        """The calls on files of one rank of an undisturbed training."""
        key = (ranks, rank) if rank == 0 else (ranks, 1)  # all but rank 0 do the same
        if key not in self.calls:
            place, log = self.prepared.copy("data", folder.parent / "traced"), folder.parent / "trace"
            self.program.run(place, ranks, ["train", "deck.yaml", *LONG], tracer=tracer(log),
                             traced_rank=rank).require(0)
            self.calls[key] = on_files(read_calls(log, place))
            shutil.rmtree(place)
            log.unlink()
        return self.calls[key]


class Signals(Interruptions):
    """SIGTERM or SIGUSR1 at a random moment, to one rank or to all: a checkpoint and status 75, or done."""

    name = "signals"

    def disturbed_run(self, rng, folder, ranks, words):
        delay, number, alone = self.moment(rng, folder, ranks), rng.choice([signal.SIGTERM,
                                                                            signal.SIGUSR1]), rng.random() < 0.5
        chosen, early = rng.randrange(ranks), []

        def stop(process):
            self.program.wait_for_ranks(process, ranks)
            time.sleep(delay)
            pids = self.program.ranks_of(process)
            pids = pids[chosen:chosen + 1] if alone else pids
            early.extend(pid for pid in pids if not mpi_has_begun(pid))
            send(pids, number)

        result = self.program.run(folder, ranks, words, disturb=stop)
        # Before main() nothing can catch a signal: the system ends the rank, and mpirun the others.
        if early and not result.hung and set(result.statuses) - {0, 75}:
            return True
        result.require(0, 75)
        return result.statuses[0] == 75


def mpi_has_begun(pid):
    """Whether the process is past the start of MPI_Init, which loads Open MPI's plug-ins."""
    try:
        return "/mca_" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:  # has ended
        return True
