"""The look that all pictures share: colours that colour-blind readers can tell apart, readable sizes, units."""
import matplotlib

matplotlib.use("Agg")  # no display is needed on a compute node

import matplotlib.pyplot as plt  # noqa: E402

# Okabe and Ito's palette.
BLACK = "#000000"
GREY = "#8c8c8c"
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREEN = "#009e73"
SKY = "#56b4e9"
PURPLE = "#cc79a7"
CYCLE = [BLUE, ORANGE, GREEN, PURPLE, SKY, "#e69f00"]

SIGNED_MAP = "RdBu_r"   # a field with both signs
ERROR_MAP = "magma_r"   # a size, 0 is light
FIELD_MAP = "viridis"   # a field of one sign

WIDTH = 7.2  # inches: two columns of a journal

plt.rcParams.update({
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.prop_cycle": matplotlib.cycler(color=CYCLE),
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.5,
})


def figure(rows, columns=1, height=2.2, **keywords):
    """Figure and axes (always a two-dimensional array) of the common width; `height` in inches per row."""
    size = keywords.pop("figsize", (WIDTH, height * rows))
    return plt.subplots(rows, columns, figsize=size, squeeze=False, **keywords)


def save(fig, path):
    """Writes the picture and forgets the figure."""
    fig.savefig(path)
    plt.close(fig)
    print(path)


def decades(axis, values):
    """Chooses a logarithmic scale where positive `values` span more than a factor of 20."""
    positive = [value for value in values if value > 0]
    if positive and max(positive) > 20 * min(positive):
        axis.set_yscale("log")


def number(value):
    """Four digits, with a true minus sign and a power of ten where there is one."""
    text = f"{float(value):.4g}"
    mantissa, _, power = text.partition("e")
    text = f"{mantissa}\\times 10^{{{int(power)}}}" if power else mantissa
    return f"${text}$"
