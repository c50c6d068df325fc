"""pdf.png and energy.png: statistics of the forecasts beside those of the truth, for fields on a periodic grid."""
import numpy as np
from matplotlib.colors import LogNorm

import style
from files import read_metrics, read_statistics

PDF_DECADES = 5  # below the highest density; rarer bins count single states


def draw_pdf(run, output):
    """The joint density of (u_x, u_xx) from RUN/statistics.h5, with the distances of RUN/metrics.csv."""
    found, metrics = read_statistics(run / "statistics.h5"), read_metrics(run / "metrics.csv")
    x, y = (np.linspace(*found[f"pdf/{name}_range"], found["pdf/truth"].shape[axis] + 1)
            for axis, name in enumerate(("u_x", "u_xx")))
    density = {name: found[f"pdf/{name}"] / found[f"pdf/{name}"].sum() / (x[1] - x[0]) / (y[1] - y[0])
               for name in ("truth", "forecast")}
    highest = max(values.max() for values in density.values())
    fig, axes = style.figure(1, 2, height=3.2, sharex=True, sharey=True)
    for axis, (name, values) in zip(axes[0], density.items()):
        mesh = axis.pcolormesh(x, y, np.ma.masked_equal(values, 0).T, cmap=style.ERROR_MAP, rasterized=True,
                               norm=LogNorm(highest * 10.0 ** -PDF_DECADES, highest))
        axis.set_title(name)
        axis.set_xlabel("$u_x$")
    axes[0, 0].set_ylabel("$u_{xx}$")
    if "pdf_l1" in metrics:
        axes[0, 1].set_title(f"L1 {style.number(metrics['pdf_l1'])}, truth to truth "
                             f"{style.number(metrics['pdf_l1_of_truth'])}", loc="right", fontsize=8)
    fig.colorbar(mesh, ax=axes[0], pad=0.015, aspect=25, extend="min").set_label("probability density")
    style.save(fig, output)


def draw_energy(run, output):
    """The mean energy of each Fourier mode from RUN/statistics.h5."""
    found, metrics = read_statistics(run / "statistics.h5"), read_metrics(run / "metrics.csv")
    fig, axes = style.figure(1, height=3.0)
    axis = axes[0, 0]
    wavenumber, truth = found["energy/wavenumber"], found["energy/truth"]
    shown = slice(1 if truth[0] < 1e-12 * truth.max() else 0, None)  # a conserved mean of 0 has no place here
    axis.plot(wavenumber[shown], truth[shown], color=style.GREY, linewidth=4, alpha=0.6, label="truth")
    axis.plot(wavenumber[shown], found["energy/forecast"][shown], color=style.BLUE, marker="o", markersize=3,
              linewidth=1, label="forecast")
    style.decades(axis, truth[shown])
    if axis.get_yscale() == "log":
        axis.set_ylim(max(1e-16, 0.3 * min(truth[shown].min() / truth.max(), 1.0)) * truth.max(), 3 * truth.max())
    axis.set_xlabel("wavenumber $q$ (1/length)")
    axis.set_ylabel("mean energy $|u_q|^2 + |u_{-q}|^2$")
    if "energy_distance" in metrics:
        axis.set_title(f"relative distance {style.number(metrics['energy_distance'])}, truth to truth "
                       f"{style.number(metrics['energy_distance_of_truth'])}", loc="right", fontsize=8)
    axis.grid(True)
    axis.legend(loc="lower left")
    style.save(fig, output)
