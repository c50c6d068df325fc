"""Disks that refuse: system calls that fail, and file systems that are full. Either nothing of it shows in the
results, or the program says which file it could not write, and what was there before is there still."""
import os
import shutil
import subprocess

from results import COMMANDS, RESULTS, contents, differences, words_to_continue
from running import ENDED_BY_ONE, Finding, SkipCampaign
from tracing import choose, final_name, on_files, read_calls, require_strace, tracer

# Calls that fail once, or from one on: the libraries make none of these for themselves.
ON_FILES = {
    "pwrite64", "pwritev", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "ftruncate"
}
# Calls that fail once.
COMMON = {"write", "writev", "openat", "close"}
ERRORS = ["ENOSPC", "EIO", "EDQUOT"]
OLD = b"what was there before\n"


class RefusingDisk:
    """What the campaigns here have in common: judging a disturbed command, and repeating it undisturbed."""
    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks

    def choose_command(self, rng):
        """(command, its words, whether older results are there that it may overwrite)."""
        command = rng.choice(sorted(COMMANDS))
        old = command != "train" and rng.random() < 0.3
        return command, [command, "deck.yaml", *(["--overwrite"] if old else [])], old

    def fill(self, folder, command, old):
        """Puts what the command starts from into `folder`, an old result in the place of each new one."""
        for path in (self.prepared.folder / COMMANDS[command]).iterdir():
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)
        if old:
            for path in self.new_files(command):
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_bytes(OLD)

    def new_files(self, command):
        """The files that the command makes, temporary ones aside."""
        return sorted(self.prepared.left_by(command).keys() - contents(self.prepared.folder / COMMANDS[command]).keys())

    def judge(self, result, command, folder, before, named):
        """Raises Finding unless the run is as if nothing had happened, or ended with 3 and one message with one of the
        names in `named`, and lost nothing."""
        expected = self.prepared.left_by(command)
        deck_was_met = named == {"deck.yaml"}
        result.require(0, 3, *([2] if deck_was_met else []))
        found = contents(folder)
        if result.status == 0:
            others = differences(found, expected)
            if others:
                raise Finding("status 0, but other than undisturbed: " + ", ".join(others))
            return "unharmed"
        if ".tmp-" in result.message or not any(name in result.message for name in named):
            raise Finding(
                f"the message names none of {', '.join(sorted(named))}, or a temporary file: {result.message}")
        if ENDED_BY_ONE in result.output:  # no rank could clean up; the next run does
            found = {path: value for path, value in found.items() if final_name(path) == path}
        self.require_nothing_lost(command, found, before, expected)
        self.require_recovery(command, folder, expected)
        return "refused"

    def require_nothing_lost(self, command, found, before, expected):
        """Every file is as it was before, or as an undisturbed command leaves it. A training has its state, too."""
        in_progress = {"run/" + name for name in RESULTS} if command == "train" else set()
        for path, value in found.items():
            if value not in (before.get(path), expected.get(path)) and path not in in_progress:
                raise Finding(f"{path} is " + ("another than before" if path in before else "left behind"))
        missing = before.keys() - found.keys()
        if missing:
            raise Finding("lost: " + ", ".join(sorted(missing)))

    def require_recovery(self, command, folder, expected):
        """The same command does its work once nothing disturbs it."""
        words = words_to_continue(folder) if command == "train" else [command, "deck.yaml", "--overwrite"]
        self.program.run(folder, 1, words).require(0)
        others = differences(contents(folder), expected)
        if others:
            raise Finding("repeated undisturbed, other than at once: " + ", ".join(others))


class FailingCalls(RefusingDisk):
    """One rank's system call on a file fails, once or from then on."""

    name = "calls"

    def __init__(self, prepared, ranks):
        require_strace()
        super().__init__(prepared, ranks)
        self.calls = {}  # of undisturbed commands, by command, number of ranks and rank

    def case(self, rng, folder):
        command, words, old = self.choose_command(rng)
        ranks = rng.choice(self.ranks)
        rank = rng.choice([rank for rank in range(ranks) if self.traced(command, ranks, rank, folder)])
        call = choose(rng, self.traced(command, ranks, rank, folder))
        lasting = rng.choice(["", "+"]) if call.name in ON_FILES else ""
        inject = f"{call.name}:error={rng.choice(ERRORS)}:when={call.number}{lasting}"
        folder.mkdir()
        self.fill(folder, command, old)
        before, log = contents(folder), folder.parent / "trace"
        result = self.program.run(folder, ranks, words, tracer=tracer(log, inject), traced_rank=rank)
        try:
            return self.judge_injected(result, command, folder, before,
                                       [met for met in read_calls(log, folder) if met.injected])
        except Finding as finding:
            raise Finding(f"rank {rank} of {ranks}, strace --inject={inject} ({call.path}): {finding}") from None

    def judge_injected(self, result, command, folder, before, met):
        if any(call.path is None for call in met):  # files of the libraries, pipes, the terminal
            return self.judge_elsewhere(result, command, folder, met)
        named = {name_of(call.path) for call in met} or {"(nothing was met)"}
        return self.judge(result, command, folder, before, named)

    def judge_elsewhere(self, result, command, folder, met):
        """Where a call of a library fails that no file of the user is concerned in, the program may end as that library
        does, but must end, and not with other results. A library may wait for ever for what it has failed to send."""
        hung = result.hung and all(call.name == "openat" for call in met)
        crashed = [status for status in result.statuses if status in (132, 134, 135, 136, 139)]
        if hung or crashed:
            raise Finding(f"a library's call failed: {'hangs' if result.hung else result.statuses}: {result.message}")
        if result.status == 0 and differences(contents(folder), self.prepared.left_by(command)):
            raise Finding("a library's call failed: status 0 with other results")
        return "elsewhere"

    def traced(self, command, ranks, rank, folder):
        key = (command, ranks, min(rank, 1))  # all but rank 0 do the same
        if key not in self.calls:
            place, log = self.prepared.copy(COMMANDS[command], folder.parent / "traced"), folder.parent / "trace"
            self.program.run(place, ranks, [command, "deck.yaml"], tracer=tracer(log), traced_rank=rank).require(0)
            self.calls[key] = [call for call in on_files(read_calls(log, place)) if call.name in ON_FILES | COMMON]
            shutil.rmtree(place)
            log.unlink()
        return self.calls[key]


def name_of(path):
    """The name by which a message should call a file: its final one; of directories and hidden files the directory."""
    name = final_name(path)
    base = name.rpartition("/")[2]
    return base if "." in base[1:] and not base.startswith(".") else (name.partition("/")[0] if "/" in name else name)


class FullDisks(RefusingDisk):
    """A command on a file system with little or no space left."""

    name = "disks"

    def __init__(self, prepared, ranks):
        if os.geteuid() != 0 or shutil.which("mount") is None:
            raise SkipCampaign("only root mounts a small file system")
        super().__init__(prepared, ranks)

    def case(self, rng, folder):
        command, words, old = self.choose_command(rng)
        kibibytes = rng.choice([0, rng.randrange(0, 64, 4), rng.randrange(0, 16, 4)])
        folder.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True,
                          check=False).returncode:
            raise SkipCampaign("a small file system cannot be mounted here")
        try:
            self.fill(folder, command, old)
            before = contents(folder)
            filler = folder / "filler.bin"
            filler.write_bytes(b"\0" * max(0, shutil.disk_usage(folder).free - 1024 * kibibytes))
            result = self.program.run(folder, rng.choice(self.ranks), words)
            filler.unlink()
            return self.judge(result, command, folder, before,
                              {path.rpartition("/")[2]
                               for path in self.new_files(command)} | {"run"})
        except Finding as finding:
            raise Finding(f"{' '.join(words)} with {kibibytes} KiB left: {finding}") from None
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
