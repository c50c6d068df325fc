"""The same oscillations in the files of other programs give the model of a file of spnode's own layout, on 1 and 2 ranks.

    layouts.py SPNODE MPIEXEC
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

DECK = """output: run
data: {train: reference.h5, window: 1}
model: {initialisation: dmd, scaling: {kind: none}, linear: {mu: 0.1}, nonlinear: []}
integrator: {scheme: etd1}
training: {batch: 64, optimizers: []}
"""
COUNT, TIMES = 12, 41
WRONG_DECK, BAD_FILE = 2, 3


def oscillations():
    """States (trajectories, times, 2) and their times, which float32 represents exactly."""
    time = np.arange(TIMES) * 0.125
    a = np.random.default_rng(7).normal(size=(COUNT, 1, 2))
    c, s = np.cos(2 * time)[None, :, None], np.sin(2 * time)[None, :, None]
    return (np.exp(-0.2 * time)[None, :, None] * (a * c + a[..., ::-1] * [1, -1] * s)).astype("f4"), time


def write(name, state, time=None, state_name="state", time_name="time", **attributes):
    with h5py.File(name, "w", libver="latest") as file:
        if isinstance(state, h5py.VirtualLayout):
            file.create_virtual_dataset(state_name, state)
        else:
            file[state_name] = state
        if time is not None:
            file[time_name] = time
        file.attrs.update(attributes)


def write_netcdf(name, x, t):
    """As the netCDF-4 library stores variables: dimensions are datasets, and each has its number."""
    with h5py.File(name, "w", track_order=True) as file:
        file.attrs["_NCProperties"] = np.bytes_("version=2,netcdf=4.9.0,hdf5=1.10.8")
        for number, (dimension, values) in enumerate(
                (("run", np.arange(COUNT)), ("time", t), ("field", np.arange(2)))):
            file[dimension] = values
            file[dimension].make_scale(dimension)
            file[dimension].attrs["_Netcdf4Dimid"] = np.int32(number)
        file["u"] = x
        for axis, dimension in enumerate(("run", "time", "field")):
            file["u"].dims[axis].attach_scale(file[dimension])
        file["u"].attrs["units"] = "m s-1"


def write_all(x, t):
    """Writes files and gives the words of the command line with which each is read."""
    longer = np.append(t, t[-1] + 0.125)
    write("reference.h5", x, t)
    write("reversed.h5", x.transpose(2, 1, 0), t)
    write("times_first.h5", x.transpose(1, 0, 2), np.repeat(t[:, None], COUNT, axis=1))
    write("pdebench.h5", x, longer.astype("f4"), "tensor", "t-coordinate")
    write("fields.h5", x.reshape(COUNT, TIMES, 1, 2), t, "t0_fields/density", "dimensions/time")
    write("column.h5", x, t[:, None])
    write("scalar.h5", x, 0.125)
    write("attribute.h5", x, dt=0.125)
    write("none.h5", x, format="of another program")
    write("double.h5", x.astype("f8"), t)
    write("extended.h5", x.astype(np.longdouble), t)
    write("big_endian.h5", x.astype(">f4"), t.astype(">f8"))
    write_netcdf("netcdf.nc", x, t)
    for i in range(3):
        write(f"part_{i}.h5", x[4 * i:4 * i + 4], t)
    layout = h5py.VirtualLayout(x.shape, "f4")
    for i in range(3):
        layout[4 * i:4 * i + 4] = h5py.VirtualSource(f"part_{i}.h5", "state", (4, TIMES, 2))
    write("virtual.h5", layout, t)
    return {
        "reversed.h5": ["data.axes=[component, time, trajectory]"],
        "times_first.h5": ["data.axes=[time, trajectory, component]"],
        "pdebench.h5": ["data.state=tensor", "data.time=t-coordinate"],
        "fields.h5": ["data.state=t0_fields/density", "data.time=dimensions/time"],
        "none.h5": ["data.step=0.125"],
        "netcdf.nc": ["data.state=u", "data.time=time"],
        **{name: [] for name in ("column.h5", "scalar.h5", "attribute.h5", "double.h5", "extended.h5", "big_endian.h5",
                                 "virtual.h5", "part_*.h5", "[part_0.h5, part_1.h5, part_2.h5]")}
    }


def run(program, mpiexec, ranks, command, *words):
    options = ["-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
    done = subprocess.run([mpiexec, *options, program, command, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def trained(program, mpiexec, ranks, *words):
    """A_L and the other numbers of the model."""
    status, output = run(program, mpiexec, ranks, "train", "deck.yaml", "--overwrite", *words)
    assert status == 0, (words, output)
    with h5py.File("run/model.h5") as file:
        return file["A_L"][()].tobytes() + file.attrs["validation_loss"].tobytes()


def check_layouts(program, mpiexec, files):
    expected = trained(program, mpiexec, 1)
    for name, words in files.items():
        for ranks in (1, 2):
            found = trained(program, mpiexec, ranks, f"data.train={name}", *words)
            assert found == expected, (name, ranks)


def check_single(program, mpiexec, x, t):
    """A trajectory without an axis of trajectories, and numbers that are rounded when they are stored."""
    write("one.h5", x[:1], t)
    write("single.h5", x[0], t)
    assert trained(program, mpiexec, 2, "data.train=single.h5", "data.axes=[time, component]") == trained(
        program, mpiexec, 1, "data.train=one.h5")
    for name, stored in (("half", x.astype("f2")), ("counts", np.round(1000 * x).astype("i2"))):
        write(f"{name}.h5", stored, t)
        write(f"{name}_double.h5", stored.astype("f8"), t)
        assert trained(program, mpiexec, 2, f"data.train={name}.h5") == trained(program, mpiexec, 1,
                                                                                f"data.train={name}_double.h5")


def check_fraction(program, mpiexec, x, t):
    """The last quarter, as a file of its own."""
    write("first.h5", x[:9], t)
    write("last.h5", x[9:], t)
    expected = trained(program, mpiexec, 1, "data.train=first.h5", "data.validation=last.h5")
    for ranks in (1, 2):
        assert trained(program, mpiexec, ranks, "data.train=part_*.h5", "data.validation_fraction=0.25") == expected
    write("early.h5", x[:1, :31], t[:31])
    write("late.h5", x[:1, 31:], t[31:])
    expected = trained(program, mpiexec, 1, "data.train=early.h5", "data.validation=late.h5")
    for ranks in (1, 2):
        assert trained(program, mpiexec, ranks, "data.train=one.h5", "data.validation_fraction=0.25") == expected


def check_evaluation(program, mpiexec):
    """Forecasts read the files of the deck in its layout, and spnode's own files in theirs."""
    words = ["data.axes=[component, time, trajectory]", "data.train=reversed.h5", "data.test=reversed.h5", "--overwrite"]
    for command in ("train", "evaluate", "forecast"):
        for ranks in (1, 2):
            status, output = run(program, mpiexec, ranks, command, "deck.yaml", *words)
            assert status == 0, output
    status, output = run(program, mpiexec, 2, "evaluate", "deck.yaml", *words, "evaluate.data=run/trajectories.h5")
    assert status == 0, output
    with h5py.File("run/forecast.h5") as file:
        assert "component_axes" not in file.attrs
    axes = ["data.test=fields.h5", "data.state=t0_fields/density", "data.time=dimensions/time", "--overwrite"]
    for data in ("fields.h5", "run/copy.h5"):  # of a forecast as data, too
        status, output = run(program, mpiexec, 2, "evaluate", "deck.yaml", *axes, f"evaluate.data={data}")
        assert status == 0, output
        with h5py.File("run/forecast.h5") as file:
            assert file.attrs["component_axes"] == b"component 1, component 2", dict(file.attrs)
        os.replace("run/forecast.h5", "run/copy.h5")
    status, output = run(program, mpiexec, 1, "info", "reversed.h5")
    assert "read as 2 trajectories of 41 times, 12 components: /state is (trajectory, time, component)" in output, output


def check_refusals(program, mpiexec, x, t):
    write("shorter.h5", x[:, :40], t[:40])
    write("complex.h5", x.astype(complex), t)
    write("still.h5", x, 0.0)
    with h5py.File("lzf.h5", "w") as file:  # a filter of h5py's own
        file.create_dataset("state", data=np.round(x), chunks=(1, TIMES, 2), compression="lzf")
        file["time"] = t
    for status, message, *words in (
        (WRONG_DECK, "data.axes must name time once, and trajectory at most once; found (time, time)",
         "data.axes=[time, time]"),
        (BAD_FILE, "reference.h5: /state has the shape (12, 41, 2); its axes are said to be (time, x)",
         "data.axes=[time, x]"),
        (BAD_FILE, "reversed.h5: /time has the shape (41); /state needs (12) or (2, 12)", "data.train=reversed.h5",
         "data.axes=[trajectory, component, time]"),
        (BAD_FILE, "single.h5: /state has the shape (41, 2); (trajectories, times, components) is needed, or names",
         "data.train=single.h5"),
        (BAD_FILE, "reference.h5: tensor is missing", "data.state=tensor"),
        (BAD_FILE, "none.h5: attribute format of / is 'of another program'", "data.train=none.h5"),
        (BAD_FILE, "still.h5: /time is 0; a step of time that is not zero is needed", "data.train=still.h5"),
        (BAD_FILE, "complex.h5: /state holds another type; numbers are needed", "data.train=complex.h5"),
        (BAD_FILE, "lzf.h5: /state is compressed by the filter lzf (number 32000), which HDF5 does not have here", "data.train=lzf.h5"),
        (WRONG_DECK, "data.step and time exclude each other", "data.step=1", "data.time=t"),
        (BAD_FILE, "no_*.h5: no file matches", "data.train=no_*.h5"),
        (BAD_FILE, "shorter.h5: the times of /state are 40; reference.h5, to which it is added, has 41",
         "data.train=[reference.h5, shorter.h5]"),
        (BAD_FILE, "part_0.h5 matches twice", "data.train=[part_0.h5, part_*.h5]"),
        (WRONG_DECK, "must be a list of names without commas and braces", "data.train=['a,b.h5', c.h5]"),
        (WRONG_DECK, "data.validation_fraction and validation exclude each other", "data.validation=last.h5",
         "data.validation_fraction=0.2"),
        (BAD_FILE, "data.validation_fraction = 0.01 would leave 0 of 12 trajectories for validation",
         "data.validation_fraction=0.01"),
        (WRONG_DECK, "is a pattern of several files; generate writes a single one", "generate.system=transient_growth",
         "data.train=new_*.h5"),
        (WRONG_DECK, "part_1.h5 would be written as the forecast, but it is the data", "data.test=part_*.h5",
         "forecast.output=part_1.h5", "--overwrite"),
    ):
        command = next((name for name in ("generate", "forecast") for word in words if word.startswith(name + ".")), "train")
        for ranks in (1, 2):
            found, output = run(program, mpiexec, ranks, command, "deck.yaml", "output=refused", *words)
            assert found == status and output.count("spnode: error: ") == 1 and message in output, (words, found, output)


def check_unused(program, mpiexec, x, t):
    """What a file holds beside states and times is named: its author may mean it to count."""
    write("beside.h5", x, t)
    with h5py.File("beside.h5", "a") as file:
        file["input"] = x
        file["#refs#/a"] = t
    for command in ("train", "check"):
        status, output = run(program, mpiexec, 2, command, "deck.yaml", "data.train=beside.h5", "--overwrite")
        assert status == 0 and "not used: /input\n" in output, output


def main():
    program, mpiexec = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("deck.yaml").write_text(DECK, encoding="utf-8")
        x, t = oscillations()
        files = write_all(x, t)
        check_layouts(program, mpiexec, files)
        check_single(program, mpiexec, x, t)
        check_fraction(program, mpiexec, x, t)
        check_evaluation(program, mpiexec)
        check_unused(program, mpiexec, x, t)
        check_refusals(program, mpiexec, x, t)


if __name__ == "__main__":
    main()
