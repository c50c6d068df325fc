"""strange_files.py FILE SEED: writes an HDF5 file that is almost a trajectory file, and prints what is strange."""
import random
import sys

import h5py
import numpy as np

TRAJECTORIES, TIMES, COMPONENTS = 12, 6, 2
SHAPE = (TRAJECTORIES, TIMES, COMPONENTS)

TYPES = [
    "f4", "f8", ">f4", ">f8", "f2", ">f2", np.longdouble, "i1", "i8", ">i8", "u1", "u8", "c8", "c16", bool, "S8", "V8",
    [("x", "f8"), ("y", "i4")], ("f8", (2, )),
    h5py.string_dtype(),
    h5py.string_dtype(length=5),
    h5py.vlen_dtype("f8"),
    h5py.enum_dtype({"A": 0, "B": 1}), h5py.ref_dtype, h5py.regionref_dtype
]


def good_values(rng, shape):
    numbers = np.random.default_rng(rng.randrange(2**32))
    values = numbers.normal(size=shape)
    if rng.random() < 0.2 and values.size:
        values.flat[rng.randrange(values.size)] = rng.choice([np.nan, np.inf, -np.inf, 1e308, 5e-324, 1e300])
    return values


def plain(rng, file, name, shape):
    file[name] = good_values(rng, shape)


def typed(rng, file, name, shape):
    kind = rng.choice(TYPES)
    dataset = file.create_dataset(name, shape, dtype=kind)
    if dataset.dtype.kind in "fiuc":
        dataset[...] = np.abs(good_values(rng, shape)).astype(dataset.dtype)
    return str(kind)


def shaped(rng, file, name, shape):
    other = rng.choice([(), (0, ), shape[:-1], (*shape, 1), (*shape, 0),
                        tuple(reversed(shape)), (1, ) * 32,
                        tuple(2 * n for n in shape), (1, ) * len(shape), (0, ) * len(shape)])
    file.create_dataset(name, other, dtype="f8")
    return str(other)


def chunked(rng, file, name, shape):
    options = {
        "chunks": tuple(rng.randint(1, max(1, n)) for n in shape), "maxshape": rng.choice([None, (None, ) * len(shape)])
    }
    options.update(
        rng.choice([{}, {"compression": "gzip",
                         "compression_opts": rng.randint(0, 9)}, {"compression": "lzf"}, {"shuffle": True},
                    {"fletcher32": True}, {"scaleoffset": 3}, {"fillvalue": rng.choice([np.nan, np.inf, 1.0])}]))
    dataset = file.create_dataset(name, shape, dtype="f8", **options)
    if rng.random() < 0.7:
        dataset[...] = good_values(rng, shape)
    elif shape[0] > 1:
        dataset[:1] = good_values(rng, (1, *shape[1:]))
    return str(options)


def huge(rng, file, name, shape):
    extents = rng.choice([(2**40, *shape[1:]), (*shape[:-1], 2**33), (2**62, ) + (1, ) * (len(shape) - 1),
                          (2**22, ) * len(shape), (2**63, ) + (2, ) * (len(shape) - 1)])
    file.create_dataset(name, extents, dtype="f8", chunks=(1, ) * len(shape))
    return str(extents)


def compact(rng, file, name, shape):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    identifier = h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple(shape),
                                 properties)
    identifier.write(h5py.h5s.ALL, h5py.h5s.ALL, good_values(rng, shape))


def external(rng, file, name, shape):
    size = 8 * int(np.prod(shape))
    where = rng.choice(["absent.raw", "train.h5", "/dev/zero", "strange.h5"])
    file.create_dataset(name, shape, dtype="f8", external=[(where, 0, rng.choice([size, h5py.h5f.UNLIMITED]))])
    return where


def virtual(rng, file, name, shape):
    source, inner = rng.choice([("absent.h5", "state"), ("train.h5", "state"), (".", name), ("strange.h5", name),
                                ("train.h5", "absent")])
    layout = h5py.VirtualLayout(shape=shape, dtype="f8")
    layout[...] = h5py.VirtualSource(source, inner, shape=shape)
    file.create_virtual_dataset(name, layout, fillvalue=rng.choice([None, np.nan, 0.0]))
    return f"{source}:{inner}"


def linked(rng, file, name, shape):
    kind = rng.randrange(7)
    if kind == 0:
        file[name] = h5py.SoftLink("/" + name)
    elif kind == 1:
        file[name] = h5py.SoftLink(rng.choice(["/absent", "/loop/loop", "../..", "/"]))
        file["loop"] = h5py.SoftLink("/loop/loop")
    elif kind == 2:
        file[name] = h5py.ExternalLink(rng.choice(["absent.h5", "train.h5", "strange.h5", "/dev/zero", "."]),
                                       "/" + name)
    elif kind == 3:
        file["elsewhere"] = good_values(rng, shape)
        file[name] = file["elsewhere"]
    elif kind == 4:
        group = file.create_group(name)
        group["again"] = group
    elif kind == 5:
        file[name] = np.dtype("f8")
    else:
        file[name] = h5py.Empty("f8")
    return str(kind)


WAYS = [typed, shaped, chunked, huge, compact, external, virtual, linked]


def attributes(rng, file):
    file.attrs["format"] = rng.choice([
        "spnode.trajectories", "spnode.model", 3,
        np.arange(3),
        h5py.Empty("S1"), "\u00e4", b"\xff\xfe", ["a", "b"], "x" * 60000
    ])
    file.attrs["format_version"] = rng.choice([1, 2, -1, 2**63 - 1, 1.5, np.nan, "1", [1, 2], np.uint64(2**64 - 1)])
    file.attrs["system"] = rng.choice(
        ["a system", "", "a\nb", 7,
         h5py.Empty("f8"),
         np.bytes_(b"fixed"),
         np.array([b"x"], dtype="S1"), "\x1b[31m"])
    for number in range(rng.choice([0, 0, 3, 200])):
        file.attrs[f"more{number}"] = number


def parameters(rng, file):
    kind = rng.randrange(6)
    if kind == 0:
        file["parameters"] = np.arange(3.0)
        return "a dataset"
    group = file.create_group("parameters")
    if kind == 1:
        group["self"] = file["/"]
    elif kind == 2:
        way = rng.choice(WAYS)
        return f"{way.__name__} {way(rng, group, 'epsilon', (TRAJECTORIES, )) or ''}"
    elif kind == 3:
        for number in range(300):
            group[f"p{number}"] = np.zeros(TRAJECTORIES)
    elif kind == 4:
        group[rng.choice(["\u00e4 \u4f60", "a\nb", "x" * 5000, " ", "\x1b[31m", "%s%n"])] = np.zeros(TRAJECTORIES)
    else:
        inner = group
        for _ in range(rng.choice([10, 300])):
            inner = inner.create_group("g")
    return str(kind)


def time_axis(rng, file):
    values = np.arange(float(TIMES))
    kind = rng.randrange(9)
    if kind == 0:
        values = values[::-1]
    elif kind == 1:
        values[3] = rng.choice([2.0, np.nan, np.inf, 1e308, -5.0])
    elif kind == 2:
        values = np.tile(values, (TRAJECTORIES, 1))
    elif kind == 3:
        values = values * rng.choice([1e-310, 1e300, 0.0])
    elif kind == 4:
        values = np.arange(TIMES)
    elif kind == 5:
        values = rng.choice([0.5, np.array([[0.5]]), 0.0, np.nan, 2**70, np.arange(3)])
    elif kind == 6:
        file.attrs["dt"] = rng.choice([0.5, -1, 0.0, np.inf, "1", h5py.Empty("f8"), [1, 2]])
        return f"attribute dt {file.attrs['dt']}"
    elif kind == 7:
        values = values[:, None]
    file["time"] = values


def build(path, rng):
    """Writes the file; returns words on it."""
    told = []
    file_options = rng.choice([{}, {}, {"libver": "latest"}, {"userblock_size": 512}, {"track_order": True},
                               {"fs_strategy": "page", "fs_persist": True}])
    told.append(str(file_options))
    with h5py.File(path, "w", **file_options) as file:
        strange_state = rng.random() < 0.7
        for name, shape, strange in (("state", SHAPE, strange_state), ("time", (TIMES, ), rng.random() < 0.3)):
            way = rng.choice(WAYS) if strange else time_axis if name == "time" and rng.random() < 0.3 else plain
            try:
                said = way(rng, file) if way is time_axis else way(rng, file, name, shape)
            except (TypeError, ValueError, OSError, RuntimeError) as error:  # h5py refuses this combination
                said = f"not made: {error}"
            told.append(f"{name} {way.__name__} {said or ''}")
        if "time" not in file and rng.random() < 0.8:
            file["time"] = np.arange(float(TIMES))
        for more in (attributes, parameters):
            if rng.random() < 0.3:
                try:
                    said = more(rng, file)
                except (TypeError, ValueError, OSError, RuntimeError) as error:
                    said = f"not made: {error}"
                told.append(f"{more.__name__} {said or ''}")
    return "; ".join(told).replace("\n", " ")


if __name__ == "__main__":
    print(build(sys.argv[1], random.Random(int(sys.argv[2]))))
