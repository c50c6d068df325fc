"""plane.png: forecasts of a state of two components in their plane, and their errors over the size of the initial state."""
import numpy as np

import style
from files import PlotError, read_forecast

MOST_CURVES = 10


def is_plane(run):
    """Whether RUN/forecast.h5 has states of two components and the truth."""
    forecast = read_forecast(run / "forecast.h5")
    return forecast.state.shape[2] == 2 and forecast.truth is not None


def draw(run, output):
    """Draws RUN/forecast.h5; the curves are evenly spread over the sizes of the initial states."""
    forecast = read_forecast(run / "forecast.h5")
    if forecast.state.shape[2] != 2:
        raise PlotError(f"{run / 'forecast.h5'}: has {forecast.state.shape[2]} components, a plane needs 2")
    if forecast.truth is None:
        raise PlotError(f"{run / 'forecast.h5'}: has no dataset /truth to compare with; run `spnode evaluate`")
    fig, axes = style.figure(1, 2, figsize=(style.WIDTH, 3.4))
    forecast.state, forecast.truth = forecast.state[...], forecast.truth[...]
    start = np.linalg.norm(forecast.truth[:, 0], axis=1)
    order = np.argsort(start)
    _curves(axes[0, 0], forecast, order[np.unique(np.linspace(0, len(order) - 1, MOST_CURVES).astype(int))])
    _errors(axes[0, 1], start, forecast)
    style.save(fig, output)


def _curves(axis, forecast, chosen):
    for number, k in enumerate(chosen):
        first = number == 0
        axis.plot(*forecast.truth[k].T, color=style.GREY, linewidth=2.6, alpha=0.4, label="truth" if first else None)
        axis.plot(*forecast.state[k].T, color=style.BLUE, linewidth=0.9, label="forecast" if first else None)
        axis.plot(*forecast.truth[k, 0], "o", color=style.BLACK, markersize=3, label="initial state" if first else None)
    reach = 1.1 * np.abs(forecast.truth[chosen]).max()  # a forecast may leave
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    axis.set_xlabel("component 1")
    axis.set_ylabel("component 2")
    axis.legend(loc="upper right")


def _errors(axis, start, forecast):
    """The relative error over the whole time."""
    size = np.linalg.norm(forecast.truth, axis=(1, 2))
    error = np.linalg.norm(forecast.state - forecast.truth, axis=(1, 2)) / np.maximum(size, np.finfo(float).tiny)
    axis.plot(start, np.where(error > 0, error, np.nan), "o", color=style.BLUE, markersize=4)
    axis.set_yscale("log")
    axis.grid(True, which="major")
    axis.set_xlabel("norm of the initial state")
    axis.set_ylabel("relative error of the forecast")
