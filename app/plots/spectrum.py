"""spectrum.png: the eigenvalues of the learned linear part, the bound mu and the margins."""
import numpy as np

import style
from files import PlotError, read_attributes, read_table


def draw(run, output):
    """Draws RUN/spectrum.csv, with the abscissae of RUN/spectrum.h5."""
    table = read_table(run / "spectrum.csv")
    for name in ("real", "imag", "bound"):
        if name not in table:
            raise PlotError(f"{run / 'spectrum.csv'}: has no column {name}")
    chosen = table["operator"] == "A_L" if "operator" in table else np.ones(len(table["real"]), bool)
    if not chosen.any():
        raise PlotError(f"{run / 'spectrum.csv'}: has no row of operator A_L")
    real, imag = table["real"][chosen], table["imag"][chosen]
    bound = float(table["bound"][chosen][0])
    scalars = read_attributes(run / "spectrum.h5")

    fig, axes = style.figure(1, 2, figsize=(style.WIDTH, 3.4), gridspec_kw={"width_ratios": [1.7, 1]})
    _plane(axes[0, 0], real, imag, bound, scalars)
    _margins(axes[0, 1], real, bound)
    fig.get_layout_engine().set(rect=(0, 0.08, 1, 0.92))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower left", ncol=3, handlelength=1.8)
    style.save(fig, output)


def _plane(axis, real, imag, bound, scalars):
    numerical = scalars.get("numerical_abscissa")
    right = max(real.max(), bound, 0.0, float(numerical) if numerical is not None else -np.inf)
    width = right - real.min() or 1.0
    if _spread(bound - real) > 1e3:
        linear = max(float(np.min(np.abs(real[real != 0]), initial=1.0)), 1e-12)
        axis.set_xscale("symlog", linthresh=linear, linscale=1.0)
        low, high = 4 * min(real.min(), -linear), max(4 * right, 4 * linear)
        axis.set_xticks(_ticks(low, high, linear))
    else:
        low, high = real.min() - 0.08 * width, right + 0.08 * width
    axis.axvspan(low, 0.0, color="#eef3f8", linewidth=0, zorder=0)
    axis.annotate("stable, Re $\\lambda$ < 0", (0.02, 0.975), xycoords="axes fraction", va="top", fontsize=8,
                  color="#56718c")
    axis.axhline(0.0, color=style.GREY, linewidth=0.6)
    axis.axvline(0.0, color=style.GREY, linewidth=0.6)
    axis.axvline(bound, color=style.ORANGE, linestyle="--", linewidth=1.4, label=f"bound $\\mu$ = {style.number(bound)}")
    if numerical is not None:
        axis.axvline(float(numerical), color=style.GREEN, linestyle=":", linewidth=1.4,
                     label=f"numerical abscissa {style.number(numerical)}")
    axis.plot(real, imag, "o", color=style.BLUE, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
              label=f"eigenvalues of $A_L$, spectral abscissa {style.number(real.max())}")
    extent = 1.3 * max(np.abs(imag).max(), 1e-3 * width)
    axis.set_xlim(low, high)
    axis.set_ylim(-extent, extent)
    axis.set_xlabel("Re $\\lambda$ (1/time)")
    axis.set_ylabel("Im $\\lambda$ (1/time)")


def _ticks(low, high, linear):
    """Powers of ten on both sides of 0, few enough to be read; none next to 0, where they would meet."""
    first = int(np.ceil(np.log10(linear))) + 1

    def side(limit):
        powers = np.arange(first, int(np.floor(np.log10(max(limit, linear)))) + 1)
        return 10.0 ** powers[::-1][:: max(1, -(-len(powers) // 3))]

    return np.concatenate([-side(-low), [0.0], side(high)[::-1]])


def _margins(axis, real, bound):
    """Distance of every eigenvalue from the bound; a violation is a red cross."""
    margin = bound - np.sort(real)[::-1]
    index = np.arange(1, len(margin) + 1)
    kept = margin > 0
    axis.plot(index[kept], margin[kept], "o-", color=style.BLUE, markersize=4, linewidth=0.8)
    if not kept.all():
        axis.plot(index[~kept], np.abs(margin[~kept]), "x", color=style.ORANGE, markersize=7, markeredgewidth=2,
                  label="violates the bound")
        axis.legend(loc="lower right")
    style.decades(axis, margin)
    if axis.get_yscale() == "linear" and kept.all():
        axis.set_ylim(0, 1.08 * margin.max())
    axis.set_xlabel("eigenvalue, by descending Re $\\lambda$")
    axis.set_ylabel("margin $\\mu$ − Re $\\lambda$ (1/time)")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(True, which="major")


def _spread(values):
    size = np.abs(values[values != 0])
    return size.max() / size.min() if size.size else 1.0
