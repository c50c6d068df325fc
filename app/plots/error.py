"""error.png: relative error of the forecasts over time and the valid prediction time."""
import numpy as np

import style
from files import PlotError, read_forecast
from forecast import is_logarithmic


def draw(run, output):
    """Draws the relative error of the trajectories in RUN/forecast.h5."""
    forecast = read_forecast(run / "forecast.h5")
    if forecast.truth is None:
        raise PlotError(f"{run / 'forecast.h5'}: has no dataset /truth to compare with; run `spnode evaluate`")
    error = np.where(np.isfinite(forecast.state).all(axis=2), forecast.relative_error(), np.nan)
    threshold = float(forecast.attributes.get("threshold", 0.5))
    time = forecast.time[0]
    fig, axes = style.figure(1, figsize=(style.WIDTH, 3.0))
    axis = axes[0, 0]
    for k, row in enumerate(error):
        axis.plot(forecast.time[k], row, color=style.GREY, linewidth=0.6, alpha=0.6,
                  label="one trajectory each" if k == 0 else None)
    axis.plot(time, np.nanmean(error, axis=0), color=style.BLUE, linewidth=2, label=f"mean of {len(error)}")
    axis.axhline(threshold, color=style.ORANGE, linestyle="--", linewidth=1.2, label=f"threshold {threshold:g}")
    axis.set_xlabel("time")
    axis.set_ylabel("relative error")
    style.decades(axis, error[np.isfinite(error)])
    style.save(fig, output)
