"""Reads what a run leaves behind. Every problem is a PlotError with a one-line message."""
import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np


class PlotError(Exception):
    """A file is missing or is not what it should be; the message says which and why."""


def read_table(path):
    """Columns of a CSV file by the names in its first line: arrays of numbers, or of words where they are none.

    Empty cells are NaN.
    """
    path = Path(path)
    if not path.is_file():
        raise PlotError(f"{path}: no such file")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    if len(rows) < 2:
        raise PlotError(f"{path}: has no rows below its header")
    header, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    return {name: _column([row[i].strip() for row in body]) for i, name in enumerate(header)}


def _column(cells):
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.array(cells)


@dataclass
class Forecast:
    """Forecasts, and the truth beside them where it is known: datasets, of which what is indexed is read."""

    state: h5py.Dataset         # (trajectories, times, components)
    truth: h5py.Dataset | None  # the same shape
    time: np.ndarray          # (trajectories, times)
    attributes: dict = field(default_factory=dict)

    @property
    def system(self):
        return str(self.attributes.get("system", "") or "")

    def relative_error(self):
        """(trajectories, times): norm of the error over the mean norm of the truth, as `spnode evaluate` defines it."""
        return np.array([self._relative_error(k) for k in range(len(self.state))])

    def _relative_error(self, k):
        state, truth = self.state[k], self.truth[k]
        size = np.mean(np.linalg.norm(truth, axis=1))
        return np.linalg.norm(state - truth, axis=1) / max(size, np.finfo(float).tiny)

    def component_axes(self):
        """Name and extent of each axis that the components of a state have in the data; one where nothing is said."""
        count = self.state.shape[2]
        try:
            axes = [axis.rsplit(" ", 1) for axis in str(self.attributes["component_axes"]).split(", ")]
            axes = [(name, int(extent)) for name, extent in axes]
        except (KeyError, ValueError):
            return [("component", count)]
        return axes if math.prod(extent for _, extent in axes) == count else [("component", count)]


def read_metrics(path):
    """The scalars of metrics.csv by name; {} where there is no such file."""
    if not Path(path).is_file():
        return {}
    table = read_table(path)
    missing = [name for name in ("metric", "value") if name not in table]
    if missing:
        raise PlotError(f"{path}: has no column {missing[0]}")
    names = table["metric"].tolist()
    return {name: value for name, value in zip(names, table["value"].tolist()) if names.count(name) == 1}


def read_forecast(path):
    """A trajectories file with the dataset /truth where the truth is known."""
    path = Path(path)
    if not path.is_file():
        raise PlotError(f"{path}: no such file")
    try:
        file = h5py.File(path, "r")  # stays open for its datasets
        missing = [name for name in ("state", "time") if name not in file]
        if missing:
            raise PlotError(f"{path}: has no dataset /{missing[0]}")
        state, time, truth = file["state"], file["time"][...], file.get("truth")
        attributes = {key: _text(value) for key, value in file.attrs.items()}
    except OSError as error:
        raise PlotError(f"{path}: not a readable HDF5 file ({error})") from error
    if state.ndim != 3 or time.shape not in (state.shape[1:2], state.shape[:2]):
        raise PlotError(f"{path}: /state has shape {state.shape} and /time {time.shape}; "
                        "expected (trajectories, times, components) and (times) or (trajectories, times)")
    if truth is not None and truth.shape != state.shape:
        raise PlotError(f"{path}: /truth has shape {truth.shape}, /state {state.shape}")
    return Forecast(state, truth, np.broadcast_to(time, state.shape[:2]), attributes)


def read_statistics(path):
    """All datasets of a statistics file by their paths."""
    path = Path(path)
    if not path.is_file():
        raise PlotError(f"{path}: no such file")
    names = ["pdf/u_x_range", "pdf/u_xx_range", "pdf/truth", "pdf/forecast", "energy/wavenumber", "energy/truth",
             "energy/forecast"]
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in names if name not in file]
            if missing:
                raise PlotError(f"{path}: has no dataset /{missing[0]}")
            return {name: file[name][...] for name in names}
    except OSError as error:
        raise PlotError(f"{path}: not a readable HDF5 file ({error})") from error


def read_attributes(path):
    """The attributes of / of an HDF5 file; {} where there is no such file."""
    if not Path(path).is_file():
        return {}
    try:
        with h5py.File(path, "r") as file:
            return {key: _text(value) for key, value in file.attrs.items()}
    except OSError as error:
        raise PlotError(f"{path}: not a readable HDF5 file ({error})") from error


def _text(value):
    return value.decode() if isinstance(value, bytes) else value
