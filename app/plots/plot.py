#!/usr/bin/env python3
"""Draws the pictures of a run directory.

usage: plot.py RUN [--only PICTURE] [--trajectory K] [--components C ...] [--format png|pdf|svg]

Writes RUN/history.png, forecast.png, plane.png, error.png, components.png, pdf.png, energy.png, spectrum.png and
limit_sets.png, each where what it shows is there.
Exit status 3 where a file that was asked for is missing or damaged, or where RUN has nothing to draw.
Needs h5py and matplotlib; Debian's belong to /usr/bin/python3.
"""
import argparse
import sys
from pathlib import Path

try:
    import components
    import error
    import field_statistics
    import forecast
    import history
    import limit_sets
    import plane
    import spectrum
    from files import PlotError
except ImportError as missing:
    sys.exit(f"{missing}; install python3-h5py and python3-matplotlib and use /usr/bin/python3")

# picture: (function, the file that it cannot do without)
PICTURES = {
    "history": (history.draw, "history.csv"),
    "forecast": (forecast.draw, "forecast.h5"),
    "plane": (plane.draw, "forecast.h5"),
    "error": (error.draw, "forecast.h5"),
    "components": (components.draw, "metrics.csv"),
    "pdf": (field_statistics.draw_pdf, "statistics.h5"),
    "energy": (field_statistics.draw_energy, "statistics.h5"),
    "spectrum": (spectrum.draw, "spectrum.csv"),
    "limit_sets": (limit_sets.draw, "limit_sets.h5"),
}


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="run directory, the deck's `output`")
    parser.add_argument("--only", choices=PICTURES, help="draw this picture alone")
    parser.add_argument("--trajectory", type=int, default=0, help="which forecast the maps show")
    parser.add_argument("--components", type=int, nargs="+", help="forecast: curves of these alone, counted from 1")
    parser.add_argument("--format", choices=("png", "pdf", "svg"), default="png")
    options = parser.parse_args(words)
    if not options.run.is_dir():
        raise PlotError(f"{options.run}: no such directory")
    drawn = 0
    for name, (draw, needs) in PICTURES.items():
        if options.only not in (None, name):
            continue
        if options.only is None and not (options.run / needs).is_file():
            continue
        if options.only is None and name == "components" and not components.has_components(options.run):
            continue
        if options.only is None and name == "plane" and not plane.is_plane(options.run):
            continue
        if options.only is None and name == "limit_sets" and not limit_sets.has_parameter(options.run):
            continue
        more = {"trajectory": options.trajectory, "components": options.components} if name == "forecast" else {}
        draw(options.run, options.run / f"{name}.{options.format}", **more)
        drawn += 1
    if not drawn:
        needed = ", ".join(sorted({needs for _, needs in PICTURES.values()}))
        raise PlotError(f"{options.run}: nothing to draw; expected one of {needed}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PlotError as problem:
        print(f"plot.py: {problem}", file=sys.stderr)
        sys.exit(3)
