"""limit_sets.png: the points of the limit sets over the parameter, and the largest Lyapunov exponents."""
import re

import h5py
import numpy as np

import style
from files import PlotError

# Kind (the numbers in limit_sets.h5): name and colour.
KINDS = [("fixed point", style.BLUE), ("periodic", style.GREEN), ("quasi-periodic", style.PURPLE),
         ("chaotic", style.ORANGE), ("unbounded", style.GREY), ("undecided", style.BLACK)]


def has_parameter(run):
    """Whether RUN/limit_sets.h5 holds more than one value of the parameter."""
    return len(_read(run)["parameter"]) > 1


def draw(run, output, component=1):
    """Draws RUN/limit_sets.h5; `component` of the points, counted from 1."""
    data = _read(run)
    if not 1 <= component <= data["points/state"].shape[1]:
        raise PlotError(f"{run / 'limit_sets.h5'}: has components 1 to {data['points/state'].shape[1]}, not {component}")
    fig, axes = style.figure(2, 1, figsize=(style.WIDTH, 4.6), sharex=True, gridspec_kw={"height_ratios": [2, 1]})
    kinds = _points(axes[0, 0], data, component)
    _exponents(axes[1, 0], data)
    axes[1, 0].set_xlabel(data["name"])
    axes[0, 0].set_ylabel(f"component {component}")
    handles = [axes[0, 0].plot([], [], "o", markersize=4, color=KINDS[kind][1], label=KINDS[kind][0])[0]
               for kind in kinds]
    fig.get_layout_engine().set(rect=(0, 0, 1, 0.94))
    fig.legend(handles=handles, loc="upper right", ncol=len(handles))
    style.save(fig, output)


def _read(run):
    path = run / "limit_sets.h5"
    names = ["parameter", "kind", "exponent", "points/state", "points/parameter", "points/start"]
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in names if name not in file]
            if missing:
                raise PlotError(f"{path}: has no dataset /{missing[0]}")
            data = {name: file[name][...] for name in names}
            deck = file["deck"][()].decode() if "deck" in file else ""
    except OSError as error:
        raise PlotError(f"{path}: not a readable HDF5 file ({error})") from error
    named = re.search(r"^limit_sets:\n(?:  .*\n)*?  parameter: (\S+)$", deck, re.MULTILINE)
    data["name"] = named[1].strip("\"'") if named else "parameter"
    return data


def _points(axis, data, component):
    """Each point in the colour of its orbit's kind; gives the kinds that occur."""
    value = np.searchsorted(np.sort(data["parameter"]), data["points/parameter"])
    order = np.argsort(data["parameter"])
    kind = data["kind"][order][value, data["points/start"].astype(int)].astype(int)
    for number, (_, colour) in enumerate(KINDS):
        chosen = kind == number
        size = 3.5 if np.count_nonzero(chosen) < 3000 else 1.2
        axis.plot(data["points/parameter"][chosen], data["points/state"][chosen, component - 1], ".", color=colour,
                  markersize=size, markeredgewidth=0, rasterized=True)
    return sorted(set(data["kind"].astype(int).ravel()))


def _exponents(axis, data):
    axis.axhline(0.0, color=style.GREY, linewidth=0.6)
    for exponent, kind in zip(data["exponent"].T, data["kind"].T.astype(int)):
        for number, (_, colour) in enumerate(KINDS):
            chosen = kind == number
            axis.plot(data["parameter"][chosen], exponent[chosen], ".", color=colour, markersize=3, markeredgewidth=0)
    finite = data["exponent"][np.isfinite(data["exponent"])]
    if finite.size:
        low = max(finite.min(), -3.0 * max(1.0, finite.max()))  # superstable orbits have exponents far below
        axis.set_ylim(low - 0.08 * (finite.max() - low) - 1e-3, finite.max() + 0.08 * (finite.max() - low) + 1e-3)
    axis.set_ylabel("largest exponent")
