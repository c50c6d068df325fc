"""System calls of one rank on files: written down by strace, or made to fail or to kill by it."""
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional

from running import SkipCampaign

# What touches the contents or the names of files. A question mark: not on every processor.
CALLS = [
    "openat", "close", "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "ftruncate", "?rename",
    "renameat", "?renameat2", "?link", "linkat", "?unlink", "unlinkat", "?mkdir", "mkdirat", "flock"
]

LINE = re.compile(r"(?:(\d+)\s+)?(\w+)\((.*)")
DESCRIPTOR = re.compile(r"\d+<([^>]*)>")  # of a pipe or a socket: a name without a slash
NAME = re.compile(r'"([^"]*)"')


class Call(NamedTuple):
    name: str  # of the system call
    number: int  # of the calls of this name in the same thread, from 1
    path: Optional[str]  # inside the folder that is watched, relative to it; None: elsewhere
    failed: bool
    injected: bool


def require_strace():
    """Raises SkipCampaign where strace cannot watch a program."""
    if shutil.which("strace") is None:
        raise SkipCampaign("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        raise SkipCampaign("strace may not watch programs here")


def tracer(log, inject=None):
    """Words before a program that write its calls to `log`. `inject`: strace's expression, "fsync:error=EIO:when=3"."""
    words = ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", "trace=" + ",".join(CALLS)]
    if not inject or ":signal=" not in inject:
        words.append("--seccomp-bpf")  # much faster, but strace 6.1 injects no signals then
    return words + (["-e", "inject=" + inject] if inject else [])


def inside(arguments, folder):
    """The file that a call works on, relative to `folder`; None where it is not in there."""
    descriptor, named = DESCRIPTOR.match(arguments), NAME.search(arguments)
    if descriptor:
        path = Path(descriptor.group(1))
    elif named:
        path = Path(folder, named.group(1))
    else:
        return None
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else None


def read_calls(log, folder):
    """The calls in a log of strace; paths are relative to `folder`, in which the program ran."""
    counts, calls = {}, []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else []:
        match = LINE.match(line)
        if not match:
            continue
        thread, name, arguments = match.groups()
        counts[thread, name] = counts.get((thread, name), 0) + 1
        calls.append(Call(name, counts[thread, name], inside(arguments, folder), " = -1 " in line, "(INJECTED)"
                          in line))
    return calls


def on_files(calls):
    """The calls that did something to a file of the folder."""
    return [call for call in calls if call.path is not None and not call.failed]


def choose(rng, calls):
    """A call, each name of a call as likely as the others."""
    name = rng.choice(sorted({call.name for call in calls}))
    return rng.choice([call for call in calls if call.name == name])


def final_name(path):
    """The name that a temporary file is to get."""
    return re.sub(r"\.tmp-[^/]*$", "", path)
