"""history.png: losses, learning rate and spectral abscissa over a training."""
import re

import numpy as np

import style
from files import read_table


def draw(run, output):
    """Draws RUN/history.csv."""
    table = read_table(run / "history.csv")
    epoch, label = _epochs(table)
    abscissa = _finite(table, "spectral_abscissa")
    rows = 2 if abscissa is None else 3
    fig, axes = style.figure(rows, sharex=True, figsize=(style.WIDTH, 1.0 + 1.6 * rows),
                             gridspec_kw={"height_ratios": [2] + [1] * (rows - 1)})
    names = _phase_names(run / "deck.yaml")
    _losses(axes[0, 0], epoch, table, names)
    _rate(axes[1, 0], epoch, table, names)
    if abscissa is not None:
        _abscissa(axes[2, 0], epoch, abscissa)
    _phases(axes[:, 0], epoch, table, names)
    axes[-1, 0].set_xlabel(label)
    axes[-1, 0].set_xlim(epoch[0], max(epoch[-1], epoch[0] + 1))
    fig.align_ylabels(axes[:, 0])
    style.save(fig, output)


def _epochs(table):
    """Abscissa of the picture: rows count on through phases that start again at epoch 0."""
    epoch = table.get("epoch")
    if epoch is None or np.any(np.diff(epoch) <= 0):
        return np.arange(1.0, len(next(iter(table.values()))) + 1), "row of history.csv (epoch or iteration)"
    return epoch, "epoch"


def _finite(table, name):
    """The column, or None where there is none with a finite number."""
    column = table.get(name)
    if column is None or column.dtype.kind != "f" or not np.isfinite(column).any():
        return None
    return column


def _terms(table):
    """Names of the terms of the loss."""
    prefix = "validation_"
    return [name[len(prefix):] for name in table if name.startswith(prefix) and name != "validation_loss"]


def _losses(axis, epoch, table, names):
    for name, title, colour, width in (("loss", "training", style.BLUE, 1.0),
                                       ("validation_loss", "validation", style.ORANGE, 1.6)):
        values = _finite(table, name)
        if values is None:
            continue
        known = np.isfinite(values)
        axis.plot(epoch[known], values[known], color=colour, linewidth=width, label=title)
    terms = _terms(table)
    for number, term in enumerate(terms if len(terms) > 1 else []):
        # Terms that are only monitored have no column of their own.
        values = _finite(table, term if term in table else f"validation_{term}")
        if values is None:
            continue
        known = np.isfinite(values)
        axis.plot(epoch[known], values[known], color=style.GREY, linewidth=0.9,
                  linestyle=("--", ":", "-.")[number % 3], label=term.replace("_", " "))
    validation = _finite(table, "validation_loss")
    # Pretraining has a loss of its own.
    pretraining = [number for number, name in enumerate(names) if name == "pretraining"]
    if validation is not None:
        validation = np.where(np.isin(table.get("phase", np.zeros_like(validation)), pretraining), np.nan, validation)
    if validation is not None and np.isfinite(validation).any():
        best = int(np.nanargmin(validation))
        axis.plot(epoch[best], validation[best], "o", color=style.ORANGE, markersize=5, markerfacecolor="white",
                  zorder=5, clip_on=False, label=f"best validation, {validation[best]:.2e}")
    axis.set_yscale("log")
    axis.set_ylabel("loss (mean square,\nscaled state)")
    axis.grid(True, which="major")
    axis.legend(loc="upper right")


def _rate(axis, epoch, table, names):
    rate, norm = _finite(table, "rate"), _finite(table, "gradient_norm")
    if rate is not None:
        # The step lengths of a line search are no learning rate.
        searched = [number for number, name in enumerate(names) if name == "L-BFGS"]
        rate = np.where((rate > 0) & ~np.isin(table.get("phase", np.zeros_like(rate)), searched), rate, np.nan)
        axis.plot(epoch, rate, color=style.GREEN, label="learning rate or step")
    if norm is not None:
        axis.plot(epoch, norm, color=style.GREY, linewidth=0.9, label="norm of the gradient")
    axis.set_yscale("log")
    axis.set_ylabel("rate or step, norm")
    axis.grid(True, which="major")
    if rate is not None or norm is not None:
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.95), ncol=2)


def _abscissa(axis, epoch, abscissa):
    known = np.isfinite(abscissa)
    axis.plot(epoch[known], abscissa[known], ".-" if known.sum() <= 60 else "-", color=style.PURPLE, markersize=4)
    axis.axhline(0.0, color=style.GREY, linewidth=0.8, linestyle=":")
    axis.set_ylabel("largest Re $\\lambda(A_L)$\n(1/time)")
    axis.grid(True, which="major")


def _phase_names(deck):
    """Names of the phases, which history.csv only counts, from the resolved deck; [] without one."""
    text = deck.read_text(encoding="utf-8") if deck.is_file() else ""
    pretrain = re.search(r"^ +pretrain_epochs: *(\d+)", text, re.MULTILINE)
    optimizers = re.search(r"^ +optimizers: *\[(.*)\]", text, re.MULTILINE)
    if not optimizers:
        return []
    first = ["pretraining"] if pretrain and int(pretrain.group(1)) > 0 else []
    return first + [word.strip().replace("lbfgs", "L-BFGS").replace("adam", "Adam") for word in optimizers.group(1).split(",")]


def _phases(axes, epoch, table, names):
    """Shades every second phase and names each at the top."""
    phase = table.get("phase")
    if phase is None or len(set(phase.tolist())) < 2:
        return
    starts = [0] + [i for i in range(1, len(phase)) if phase[i] != phase[i - 1]] + [len(phase)]
    for number, (first, last) in enumerate(zip(starts[:-1], starts[1:])):
        left, right = epoch[first], epoch[min(last, len(epoch) - 1)]
        if number % 2:
            for axis in axes:
                axis.axvspan(left, right, color="#f0f0f0", zorder=0, linewidth=0)
        index = int(phase[first])
        name = names[index] if index < len(names) else f"phase {index + 1}"
        axes[0].annotate(name, (0.5 * (left + right), 1.02), xycoords=("data", "axes fraction"), ha="center",
                         fontsize=8, color="#555555")
