"""forecast.png: a forecast beside the truth; fields as images or space-time maps, small systems as curves."""
import numpy as np

import images
import style
from files import PlotError, read_forecast, read_metrics

MOST_CURVES = 12  # components; more are drawn as a map
MOST_ROWS, MOST_COLUMNS = 1000, 2000  # of a map; of more, every k-th is drawn, and the picture says so


def draw(run, output, trajectory=0, components=None):
    """Draws RUN/forecast.h5: all components, or curves of those that are named, counted from 1."""
    forecast = read_forecast(run / "forecast.h5")
    if trajectory >= len(forecast.state):
        raise PlotError(f"{run / 'forecast.h5'}: has {len(forecast.state)} trajectories, number {trajectory} was asked for")
    count = forecast.state.shape[2]
    if components:
        if not all(1 <= component <= count for component in components):
            raise PlotError(f"{run / 'forecast.h5'}: has components 1 to {count}, {components} were asked for")
        _curves(forecast, output, components)
    elif images.are_images(forecast):
        images.draw(forecast, trajectory, output)
    elif count > MOST_CURVES:
        _maps(forecast, trajectory, read_metrics(run / "metrics.csv").get("threshold", 0.5), output)
    else:
        _curves(forecast, output, range(1, count + 1))


def _maps(forecast, k, threshold, output):
    """Truth, forecast and error over component (for a PDE: grid point) and time."""
    times, components = forecast.state.shape[1:]
    rows, columns = -(-components // MOST_ROWS), -(-times // MOST_COLUMNS)
    drawn = (k, slice(None, None, columns), slice(None, None, rows))
    time, state = forecast.time[drawn[:2]], forecast.state[drawn]
    fields = [("forecast", state, style.SIGNED_MAP)]
    if forecast.truth is not None:
        truth = forecast.truth[drawn]
        fields = [("truth", truth, style.SIGNED_MAP), fields[0], ("forecast − truth", state - truth, style.SIGNED_MAP)]
    limit = np.nanpercentile(np.abs(fields[0][1]), 99.8) or 1.0
    fig, axes = style.figure(len(fields), figsize=(style.WIDTH, 0.6 + 1.5 * len(fields)), sharex=True, sharey=True)
    for axis, (title, values, colours) in zip(axes[:, 0], fields):
        # A small error would be white on the scale of the state: it gets its own.
        own = title != "truth" and np.nanmax(np.abs(values)) < 0.3 * limit
        bound = np.nanmax(np.abs(values)) if own else limit
        mesh = axis.pcolormesh(time, np.arange(1, components + 1, rows), values.T, cmap=colours, vmin=-bound, vmax=bound,
                               shading="nearest", rasterized=True)
        bar = fig.colorbar(mesh, ax=axis, aspect=12, pad=0.015, extend="neither" if own else "both")
        bar.set_label("error" if own else _units(forecast))
        axis.set_title(title)
        axis.set_ylabel("component")
        axis.spines[["top", "right"]].set_visible(True)
    if is_logarithmic(time):
        axes[0, 0].set_xscale("log")
        axes[0, 0].set_xlim(time[time > 0].min(), time.max())
    if forecast.truth is not None:
        _mark_valid_time(axes[:, 0], forecast, k, threshold)
    left_out = [f"every {stride}th {what}" for stride, what in ((rows, "component"), (columns, "time")) if stride > 1]
    axes[-1, 0].set_xlabel("time" + (f" ({' and '.join(left_out)} is drawn)" if left_out else ""))
    style.save(fig, output)


def _mark_valid_time(axes, forecast, k, threshold):
    """A line through all maps where the relative error first reaches the threshold."""
    late = forecast.relative_error()[k] > threshold
    if not late.any():
        return
    valid = forecast.time[k][int(np.argmax(late))]
    for axis in axes:
        axis.axvline(valid, color=style.BLACK, linewidth=1.1, linestyle="--")
    axes[0].set_title(f"dashed: relative error {threshold:g} at t = {valid:.3g}", loc="right", fontsize=8)


def _curves(forecast, output, components, most_trajectories=3):
    """One panel per component; several trajectories as colours."""
    n = len(components)
    columns = 1 if n <= 3 else 2 if n <= 6 else 3
    rows = -(-n // columns)
    fig, axes = style.figure(rows, columns, sharex=True, figsize=(style.WIDTH, 0.7 + 1.5 * rows))
    shown = min(most_trajectories, len(forecast.state))
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    for component, axis in zip(components, axes.flat):
        for k in range(shown):
            time, colour = forecast.time[k], style.CYCLE[k]
            first = axis is axes[0, 0] and k == 0
            if forecast.truth is not None:
                axis.plot(time, forecast.truth[k, :, component - 1], color=colour, linewidth=3.2, alpha=0.35,
                          label="truth" if first else None)
            axis.plot(time, forecast.state[k, :, component - 1], color=colour, linewidth=1.2,
                      marker="." if len(time) <= 60 else None, markersize=4, label="forecast" if first else None)
        axis.set_ylabel(f"$u_{{{component}}}$")
        axis.grid(True)
    positive = forecast.time[0][forecast.time[0] > 0]
    for axis in axes[:, 0] if is_logarithmic(forecast.time[0]) else []:
        axis.set_xscale("log")
        axis.set_xlim(positive.min(), positive.max())
    for axis in axes[-1, :]:
        axis.set_xlabel("time")
    many = ", one colour per initial state" if shown > 1 else ""
    axes[0, 0].legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncol=2, borderaxespad=0.2)
    axes[0, -1].set_title(f"first {shown} of {len(forecast.state)} forecasts{many}", loc="right")
    fig.align_ylabels(axes[:, 0])
    style.save(fig, output)


def is_logarithmic(time):
    """Whether positive times are spread over decades rather than evenly."""
    positive = np.sort(time[time > 0])
    if len(positive) < 4 or positive[-1] < 50 * positive[0]:
        return False
    steps = np.diff(positive)
    return steps.max() > 10 * steps.min()


def _units(forecast):
    units = str(forecast.attributes.get("units", "") or "")
    return f"state ({units})" if units not in ("", "dimensionless") else "state"
