"""components.png: the largest error of each component over time."""
import re

import numpy as np

import style
from files import PlotError, read_table
from forecast import is_logarithmic

# prefix in metrics.csv: what it was made with
WAYS = {"": ("as trained", "-"), "half_step_": ("half the step", "--"), "fine_grid_": ("finer grid", ":")}


def has_components(run):
    """Whether RUN/metrics.csv names errors of components: states of many have none."""
    return "component_error_1" in set(read_table(run / "metrics.csv").get("metric", ()))


def draw(run, output):
    """Draws the series component_error_... of RUN/metrics.csv; a colour per component, a line style per step."""
    table = read_table(run / "metrics.csv")
    if not has_components(run):
        raise PlotError(f"{run / 'metrics.csv'}: has no errors of components")
    names = table["metric"]
    fig, axes = style.figure(1, height=3.0)
    axis = axes[0, 0]
    values, times = [], []
    for prefix, (_, line) in WAYS.items():
        for name in dict.fromkeys(names[[bool(re.fullmatch(rf"{prefix}component_error_\d+", n)) for n in names]]):
            row, component = names == name, int(name.rsplit("_", 1)[1])
            time, error = table["time"][row], table["value"][row]
            axis.plot(time - time[0], np.where((error > 0) & np.isfinite(error), error, np.nan), line,
                      color=style.CYCLE[(component - 1) % len(style.CYCLE)],
                      label=f"$u_{{{component}}}$" if not prefix else None)
            values.append(error[1:][np.isfinite(error[1:]) & (error[1:] > 0)])  # the first is rounding
            times.append(time - time[0])
    for prefix, (way, line) in WAYS.items():
        if prefix and f"{prefix}component_error_1" in names:
            axis.plot([], [], line, color=style.BLACK, label=way)
    values = np.concatenate(values)
    style.decades(axis, values)
    if axis.get_yscale() == "log":
        axis.set_ylim(0.5 * max(values.min(), 1e-16 * values.max()), 2 * values.max())
    if is_logarithmic(times[0]):
        axis.set_xscale("log")
        axis.set_xlim(min(time[time > 0].min() for time in times), max(time.max() for time in times))
    axis.set_xlabel("time since the initial state")
    axis.set_ylabel("largest error / scale of the component")
    axis.grid(True, which="major")
    axis.legend(loc="best", ncol=2)
    style.save(fig, output)
