"""Decks and command lines that no one would write: the keys of the program's own reference with values of all kinds."""
import re

from running import Finding

# Scalars of every kind that YAML knows, and some that it does not. None is a size that a machine could just have.
VALUES = [
    "0", "1", "2", "3", "7", "-1", "-0.0", "0.5", "1e-300", "1e300", "1e400", ".nan", ".inf", "-.inf", "0x10", "0o17",
    "1_000", "1:30", "2147483647", "2147483648", "4294967296", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "18446744073709551614", "18446744073709551615", "18446744073709551616", "1000000000000",
    "99999999999999999999999999", "true", "no", "~", "null", '""', "''", '" "', '"\\0"', '"\\e[31m"', '"\\uD800"',
    '"\\U0001F600"', "\u0416\u00df\u4f60\u200b", "\u202e", "[]", "[1]", "[1, 2]", "[[1]]", "[-1]", "[nonsense]",
    "[1, nonsense]", "[adam, lbfgs]", "[gauss_newton]", "[adam, adam]", "{}", "{a: 1}", "[1e400]",
    "[18446744073709551615]", "[" * 40 + "]" * 40, "!!binary AA==", "!!int abc", "!nonsense 1", "&a [*a]", "*b", "&c 3",
    "|\n  text\n", ">-\n  text\n", "x" * 5000, "%YAML", "@", "`", "- 1", "? 1", "1 # 2", "%s%n", "none", "nonsense",
    "adam", "train.h5", "absent.h5", ".", "../../.."
]

# What most numbers may be.
SMALL = ["1", "2", "3", "4", "0.5"]

# Of keys whose value names what is written: nothing outside the folder of the case.
PATHS = ["run", "run/deeper", ".", '""', "~", "[]", "deck.yaml", "train.h5", "x" * 300, '"\\0"', "\u00e4\u4f60"]
WRITTEN = {"output", "forecast.output"}

# Options of PETSc, SLEPc and Kokkos: good ones, bad ones, and values that do not fit.
LIBRARY_OPTIONS = [
    "-tao_monitor", "-tao_view", "-tao_max_it 3", "-tao_max_it -1", "-tao_max_it abc", "-tao_gatol 1e-3",
    "-tao_gatol nan", "-tao_type lmvm", "-tao_type cg", "-tao_type nls", "-tao_type ntr", "-tao_type blmvm",
    "-tao_type bqnls", "-tao_type pounders", "-tao_type brgn", "-tao_type nonsense", "-tao_type", "-tao_ls_type armijo",
    "-tao_ls_type nonsense", "-tao_test_gradient", "-tao_lmvm_mat_type nonsense", "-eps_nev 1", "-eps_nev 0",
    "-eps_nev -3", "-eps_nev 100", "-eps_type lapack", "-eps_type arnoldi", "-eps_type power", "-eps_type lanczos",
    "-eps_type nonsense", "-eps_ncv 1", "-eps_max_it 1", "-eps_tol 0", "-eps_tol -1", "-eps_which nonsense",
    "-eps_target 0", "-eps_hermitian", "-eps_smallest_real", "-eps_view", "-eps_monitor", "-st_type sinvert",
    "-st_type nonsense", "-st_ksp_type nonsense", "-mat_type nonsense", "-vec_type nonsense", "-ksp_type cg",
    "-log_view", "-log_view :log.txt", "-log_view :/proc/absent/x", "-log_view nonsense", "-options_view",
    "-options_left", "-options_left no", "-options_file absent.opt", "-options_monitor", "-prefix_push",
    "-prefix_push a_", "-prefix_pop", "-malloc_debug", "-malloc_dump", "-malloc_view", "-memory_view", "-info",
    "-info info.txt", "-no_signal_handler", "-fp_trap", "-objects_dump", "-check_pointer_intensity 1", "-petsc_ci",
    "-version", "-help intro", "-saws_options", "-nox", "-1", "-.5", "-", "--", "---", "-tao_max_it=3", "-x y",
    "--kokkos-num-threads=1", "--kokkos-num-threads=0", "--kokkos-num-threads=abc", "--kokkos-threads=-1",
    "--kokkos-device-id=7", "--kokkos-help", "--kokkos-nonsense", "--kokkos-print-configuration", "--resume",
    "--overwrite", "--help", "--version", "--nonsense", "=", "=1", "a=", "seed", "deck.yaml", "\u4f60=\u597d",
    "seed=1=2", ".=.", "model..rank=1", "data.train=\n"
]


def reference(prepared):
    """The keys of a deck, each with its default and what its comment says of its values."""
    printed = prepared.program.run(prepared.folder / "deck", 1, ["check", "--reference"])
    printed.require(0)
    keys, parents = {}, []
    for line in printed.output.splitlines():
        match = re.match(r"( *)(\w+):(?: (.*?)  # (.*))?$", line)
        if match:
            depth = len(match.group(1)) // 2
            parents[depth:] = [match.group(2)]
            if match.group(3) is not None:
                keys[".".join(parents)] = (match.group(3), match.group(4))
    return keys


def value_for(rng, keys, key):
    """A value for the key: mostly of its own kind, else any."""
    if key in WRITTEN:
        return rng.choice(PATHS)
    default, allowed = keys[key]
    choices = re.match(r"(?:list of|one of) (\w+(?:, \w+)+)$", allowed)
    luck = rng.random()
    if luck < 0.15:
        return default
    if luck < 0.5 and choices:
        chosen = rng.choice(choices.group(1).split(", "))
        return f"[{chosen}]" if allowed.startswith("list") else chosen
    if luck < 0.5 and re.fullmatch(r"[0-9.e+-]+", default):
        return rng.choice(SMALL)
    if luck < 0.6:
        other = rng.choice([name for name in sorted(keys) if name not in WRITTEN])
        return keys[other][0]
    return rng.choice(VALUES)


class Node(dict):
    """A mapping of a deck; leaves are the text of a value."""


def tree(entries):
    """Nested Nodes from entries {"a.b": text}."""
    root = Node()
    for key, text in entries.items():
        node = root
        *sections, last = key.split(".")
        for section in sections:
            if not isinstance(node.get(section), Node):
                node[section] = Node()
            node = node[section]
        node[last] = text
    return root


def emit(node, indent=""):
    """The lines of a block mapping."""
    lines = []
    for key, value in node.items():
        if isinstance(value, Node):
            lines += [f"{indent}{key}:", *emit(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: " + value.replace("\n", "\n  " + indent))
    return lines


BASE = {
    "output": "run", "data.train": "train.h5", "data.validation": "validation.h5", "data.test": "test.h5",
    "model.nonlinear": "[bilinear]", "model.bilinear.rank": "2", "model.scaling.kind": "none", "training.batch": "8",
    "training.tile": "2", "training.adam.epochs": "3", "training.adam.warmup": "1"
}


def change_entries(rng, keys, entries):
    """Sets, removes, misspells, nests."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        key = rng.choice(sorted(keys))
        action = rng.random()
        if action < 0.7:
            entries[key] = value_for(rng, keys, key)
        elif action < 0.8:
            entries.pop(rng.choice(sorted(entries)))
        elif action < 0.9:
            entries[rng.choice([key + "x",
                                key.upper(),
                                key.replace(".", "."), key + ".deeper",
                                key.partition(".")[0]])] = rng.choice(VALUES)
        else:
            entries.pop(key, None)
            entries[key.rpartition(".")[0] or key] = rng.choice(VALUES)


def change_lines(rng, lines):
    """Repeats, drops, moves or indents lines."""
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2])):
        index = rng.randrange(len(lines))
        action = rng.randrange(6)
        if action == 0:
            lines.insert(index, lines[index])
        elif action == 1 and len(lines) > 1:
            del lines[index]
        elif action == 2:
            lines[index] = " " * rng.randint(1, 5) + lines[index]
        elif action == 3:
            lines[index] = lines[index].lstrip()
        elif action == 4:
            lines.insert(
                index,
                rng.choice(["---", "...", "# \u00e4", "<<: *x", "\t", "a: &x {<<: *x}", "%TAG ! x", "? [a]", "- 1"]))
        else:
            rng.shuffle(lines)


def change_bytes(rng, data):
    """Noise, another encoding, another end."""
    action = rng.randrange(40)
    if action == 0:
        return b"\xef\xbb\xbf" + data
    if action == 1:
        return data.decode(errors="replace").encode("utf-16")
    if action == 2:
        return data.replace(b"\n", b"\r\n")
    if action == 3:
        return data[:rng.randrange(len(data))]
    if action == 4:
        return data + b"a: &a [x" + b", x" * 9 + b"]\n" + b"".join(b"a%d: &a%d [%s]\n" %
                                                                   (i, i, b",".join([b"*a%d" %
                                                                                     (i - 1) if i else b"*a"] * 9))
                                                                   for i in range(9))
    if action < 9:
        changed = bytearray(data)
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(changed))
            changed[place:place + rng.randint(0, 2)] = rng.choice(
                [b"\0", b"\xff", b"\t", b":", b"{", b"[", b"'", b"*", b"&",
                 rng.randbytes(1)])
        return bytes(changed)
    return data


class MutatedDecks:
    """A deck with wild keys, values, lines and bytes, through `check` and a training."""

    name = "decks"

    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks
        self.keys = reference(prepared)

    def case(self, rng, folder):
        self.prepared.copy("data", folder)
        entries = dict(BASE)
        change_entries(rng, self.keys, entries)
        lines = emit(tree(entries))
        change_lines(rng, lines)
        deck = folder / "mutated.yaml"
        deck.write_bytes(change_bytes(rng, "\n".join([*lines, ""]).encode(errors="surrogateescape")))
        ranks = rng.choice(self.ranks)
        checked = self.program.run(folder, ranks, ["check", deck.name], memory_kb=8 << 20)
        checked.require(0, 2, 3)
        if checked.status == 0:
            self.require_same_when_resolved(folder, checked)
        # Whatever the bytes say, nothing is written outside the folder.
        result = self.program.run(folder, ranks, ["train", deck.name, "output=run"], memory_kb=8 << 20, stoppable=True)
        result.require(0, 2, 3, 5)
        return "refused" if result.status in (2, 3) else "unharmed"

    def require_same_when_resolved(self, folder, checked):
        """The resolved deck that `check` prints says the same again."""
        (folder / "resolved.yaml").write_text(checked.output, encoding="utf-8")
        again = self.program.run(folder, 1, ["check", "resolved.yaml"])
        again.require(0)
        if settings(again.output) != settings(checked.output):
            raise Finding("the resolved deck is resolved to another one")


def settings(output):
    """The lines of a printed deck, without comments."""
    return [line for line in output.splitlines() if not line.startswith("#")]


class Options:
    """Overrides of the deck and options of PETSc, SLEPc and Kokkos, with every command."""

    name = "options"

    def __init__(self, prepared, ranks):
        self.prepared, self.program, self.ranks = prepared, prepared.program, ranks
        self.keys = reference(prepared)

    def case(self, rng, folder):
        command = rng.choice(["check", "train", "train", "forecast", "evaluate", "spectrum", "spectrum"])
        self.prepared.copy("data" if command == "train" else "trained", folder)
        words = []
        for _ in range(rng.randint(1, 4)):
            if rng.random() < 0.4:
                key = rng.choice([name for name in sorted(self.keys) if name not in WRITTEN])
                words.append(f"{key}={value_for(rng, self.keys, key)}".replace("\0", ""))
            else:
                words += rng.choice(LIBRARY_OPTIONS).split(" ")
        if command == "spectrum" and rng.random() < 0.5:
            words.append("spectrum.dense_limit=0")
        if command == "train" and rng.random() < 0.5:
            words += ["training.optimizers=[lbfgs]", "training.lbfgs.iterations=3"]
        result = self.program.run(folder,
                                  rng.choice(self.ranks), [command, "deck.yaml", *words],
                                  memory_kb=8 << 20,
                                  stoppable=command == "train")
        result.require(0, 2, 3, 4, 5)
        return "refused" if result.status in (2, 3) else "unharmed"
