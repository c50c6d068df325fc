"""What the fuzzers start from: small inputs of each kind, made by the program and by the campaigns' own mutations."""
import random
import subprocess
import sys
from pathlib import Path

from mutated_decks import (BASE, LIBRARY_OPTIONS, VALUES, WRITTEN, change_entries, change_lines, emit, reference, tree,
                           value_for)

REPOSITORY = Path(__file__).resolve().parents[2]
HISTORY = [
    b"epoch,loss\n", b"epoch,loss\n1,0.5\n2,0.25\n3,nan\n", b"epoch,loss\n1,0.5\n2,0.2", b"epoch,loss\r\n1,0.5\r\n",
    b"\n\n\n"
]


def decks(rng, keys):
    yield from (path.read_bytes() for path in sorted((REPOSITORY / "input").glob("*.yaml")))
    for _ in range(100):
        entries = dict(BASE)
        change_entries(rng, keys, entries)
        lines = emit(tree(entries))
        change_lines(rng, lines)
        yield "\n".join(lines).encode(errors="surrogateescape")


def command_lines(rng, keys):
    names = [name for name in sorted(keys) if name not in WRITTEN]
    for _ in range(100):
        words = [rng.choice(["train", "check", "run", "nonsense"]), "deck.yaml"]
        for _ in range(rng.randint(1, 4)):
            key = rng.choice(names)
            words += rng.choice([rng.choice(LIBRARY_OPTIONS).split(" "), [f"{key}={value_for(rng, keys, key)}"]])
        yield "\0".join(words).encode(errors="surrogateescape")


def spoilt(rng, data):
    """The bytes with so many changes that no fuzzer takes all of them back."""
    changed = bytearray(data)
    for _ in range(64):
        changed[rng.randrange(len(changed))] ^= rng.randint(1, 255)
    return bytes(changed)


def sealed_files(rng, trained):
    for name in ("model.h5", "checkpoint.h5"):
        data = (trained / "run" / name).read_bytes()
        yield from (spoilt(rng, data) for _ in range(5))
        yield data[:len(data) // 2]


def trajectory_files(rng, data, scratch):
    yield (data / "test.h5").read_bytes()
    maker, path = Path(__file__).with_name("strange_files.py"), scratch / "strange.h5"
    for _ in range(100):
        path.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-B", maker, path, str(rng.randrange(2**32))],
                       cwd=data,
                       capture_output=True,
                       check=False)
        if path.exists() and path.stat().st_size < 1 << 16:
            yield path.read_bytes()


def write_seeds(prepared, folder, seed):
    """Writes a folder of inputs for every fuzzer, and the words of decks and command lines as dictionaries."""
    rng, keys = random.Random(seed), reference(prepared)
    folder.mkdir()
    kinds = {
        "deck": decks(rng, keys), "command_line": command_lines(rng, keys), "history": (bytes([rows]) + text
                                                                                        for text in HISTORY
                                                                                        for rows in range(4)),
        "sealed_file": sealed_files(rng, prepared.folder / "trained"),
        "trajectories": trajectory_files(rng, prepared.folder / "data",
                                         folder), "model": (rng.randbytes(size) for size in range(0, 100, 5)),
        "checkpoint": (rng.randbytes(size) for size in range(0, 100, 5))
    }
    for kind, inputs in kinds.items():
        (folder / kind).mkdir()
        for number, data in enumerate(inputs):
            (folder / kind / f"seed{number}").write_bytes(data)
    words = {part
             for key in keys
             for part in key.split(".")} | {value
                                            for value in VALUES
                                            if value.isascii() and len(value) < 30}
    for kind in ("deck", "command_line"):
        lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in sorted(words) if word]
        (folder / f"{kind}.dict").write_text("\n".join(lines) + "\n", encoding="ascii")
