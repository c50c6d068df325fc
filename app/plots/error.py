"""error.png: relative error of the forecasts over time and the valid prediction time."""
import numpy as np

import style
from files import PlotError, read_forecast, read_metrics
from forecast import is_logarithmic


def draw(run, output):
    """Draws the relative error of the trajectories in RUN/forecast.h5, with the scalars of RUN/metrics.csv."""
    forecast = read_forecast(run / "forecast.h5")
    if forecast.truth is None:
        raise PlotError(f"{run / 'forecast.h5'}: has no dataset /truth to compare with; run `spnode evaluate`")
    error = forecast.relative_error()
    metrics = read_metrics(run / "metrics.csv")
    threshold = metrics.get("threshold", 0.5)
    elapsed = forecast.time - forecast.time[:, :1]
    fig, axes = style.figure(2, sharex=True, figsize=(style.WIDTH, 4.2), gridspec_kw={"height_ratios": [2, 1]})
    _errors(axes[0, 0], elapsed, error, threshold)
    _still_valid(axes[1, 0], elapsed, error, metrics)
    _mention_diverged(axes[0, 0], metrics)
    axes[1, 0].set_xlabel("time since the initial state")
    if is_logarithmic(elapsed[0]):
        axes[1, 0].set_xscale("log")
        axes[1, 0].set_xlim(elapsed[0, 1], elapsed.max())
    else:
        axes[1, 0].set_xlim(0.0, elapsed.max())
    fig.align_ylabels(axes[:, 0])
    style.save(fig, output)


def _errors(axis, elapsed, error, threshold):
    """The error of each trajectory, and their median (robust against the one that leaves)."""
    shown = np.where(error > 0, error, np.nan)  # the initial state is exact without an autoencoder
    for k, row in enumerate(shown):
        axis.plot(elapsed[k], row, color=style.GREY, linewidth=0.6, alpha=0.55,
                  label="one initial state" if k == 0 else None)
    median = np.median(np.where(np.isfinite(error), error, np.inf), axis=0)
    axis.plot(elapsed[0], np.where(median > 0, median, np.nan), color=style.BLUE, linewidth=2,
              label=f"median of {len(error)}")
    axis.axhline(threshold, color=style.ORANGE, linestyle="--", linewidth=1.2, label=f"threshold {threshold:g}")
    axis.set_ylabel("relative error")
    axis.grid(True, which="major")
    later = shown[:, 1:][np.isfinite(shown[:, 1:])]  # the first error is that of the autoencoder, or rounding
    style.decades(axis, later)
    if later.size and axis.get_yscale() == "log":
        axis.set_ylim(0.5 * max(later.min(), 1e-16 * later.max()), 2 * max(later.max(), threshold))
    axis.legend(loc="best")


def valid_time(elapsed, error, threshold):
    """(trajectories): time until the error first exceeds the threshold, in the line through the samples around it."""
    valid = np.empty(len(error))
    for k, (t, e) in enumerate(zip(elapsed, error)):
        late = np.flatnonzero(~(e <= threshold))
        first = late[0] if len(late) else len(e)
        inside = 0 < first < len(e) and np.isfinite(e[first])
        part = (threshold - e[first - 1]) / (e[first] - e[first - 1]) if inside else 0.0
        valid[k] = t[max(first - 1, 0)] + (part * (t[first] - t[first - 1]) if inside else 0.0)
    return valid


def _still_valid(axis, elapsed, error, metrics):
    """Share of the forecasts whose error has not yet exceeded the threshold."""
    threshold = metrics.get("threshold", 0.5)
    valid = np.sort(valid_time(elapsed, error, threshold))
    share = 1.0 - np.arange(len(valid) + 1) / len(valid)
    time = np.concatenate([[elapsed.min()], valid])
    axis.fill_between(time, share, step="post", color=style.SKY, alpha=0.35, linewidth=0)
    axis.step(time, share, where="post", color=style.BLUE, linewidth=1.2)
    if (error <= threshold).all():
        axis.annotate("no forecast exceeds the threshold", (0.98, 0.86), xycoords="axes fraction", ha="right")
    else:
        mean = metrics.get("valid_prediction_time", valid.mean())
        _mark(axis, mean, mean > 0.6 * elapsed.max())
    axis.set_ylim(0, 1.05)
    axis.set_ylabel("share still valid")
    axis.grid(True)


def _mention_diverged(axis, metrics):
    """Forecasts that left every bound are not in forecast.h5; the picture says so."""
    if metrics.get("diverged", 0) > 0:
        axis.set_title(f"{metrics['diverged']:.0f} of {metrics['trajectories']:.0f} forecasts diverged and are not drawn",
                       color=style.ORANGE)


def _mark(axis, mean, right):
    """The mean valid prediction time, named on the side where there is room."""
    axis.axvline(mean, color=style.BLACK, linewidth=1.1, linestyle="--")
    axis.annotate(f"mean valid prediction time {mean:.3g}", (mean, 0.86), xytext=(-5 if right else 5, 0),
                  textcoords="offset points", ha="right" if right else "left")
