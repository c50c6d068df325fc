"""forecast.png of states on a grid of two or more axes: truth, forecast and difference as images at a few times."""
import numpy as np

import style

LEAST = 8       # points of an axis of space; shorter axes count variables
TIMES = 4       # columns
VARIABLES = 2   # most that are drawn
POINTS = 1024   # along a side; of more, every k-th is drawn, and the picture says so


def are_images(forecast):
    """Whether the components of a state are a grid that is worth an image."""
    return sum(extent >= LEAST for _, extent in forecast.component_axes()) >= 2


def draw(forecast, k, output):
    """Draws trajectory k; of space axes beyond the second the middle, and the first variables."""
    axes = forecast.component_axes()
    space = [i for i, (_, extent) in enumerate(axes) if extent >= LEAST]
    names, extents = [name for name, _ in axes], [extent for _, extent in axes]
    counted = [i for i in range(len(axes)) if i not in space]
    variables = np.prod([extents[i] for i in counted], dtype=int) if counted else 1
    times = np.unique(np.linspace(0, forecast.state.shape[1] - 1, TIMES).astype(int))
    rows = ["forecast"] if forecast.truth is None else ["truth", "forecast", "forecast − truth"]
    shown = min(variables, VARIABLES)
    strides = [-(-extents[i] // POINTS) for i in space[:2]]

    def image(values, variable):
        """(points of the first axis, of the second)."""
        grid = values.reshape(extents)
        where = [slice(None)] * len(axes)
        for i in space[2:]:
            where[i] = extents[i] // 2
        for i, place in zip(counted, np.unravel_index(variable, [extents[i] for i in counted]) if counted else ()):
            where[i] = int(place)
        return grid[tuple(where)][::strides[0], ::strides[1]]

    height = 0.2 + np.clip(1.55 * extents[space[0]] / extents[space[1]], 0.5, 2.5)
    fig, panels = style.figure(shown * len(rows), len(times), sharex=True, sharey=True,
                               figsize=(style.WIDTH, 0.6 + height * shown * len(rows)))
    for variable in range(shown):
        first = variable * len(rows)
        known = [image((forecast.state if forecast.truth is None else forecast.truth)[k, t], variable) for t in times]
        colours, low, high = _scale(np.array(known))
        errors = [] if forecast.truth is None else [
            image(forecast.state[k, t], variable) - truth for t, truth in zip(times, known)]
        bound = max((np.nanmax(np.abs(error)) for error in errors), default=0.0) or 1.0
        for row, title in enumerate(rows):
            for column, t in enumerate(times):
                axis = panels[first + row, column]
                values = errors[column] if title == "forecast − truth" else (
                    known[column] if title == "truth" else image(forecast.state[k, t], variable))
                limits = (style.SIGNED_MAP, -bound, bound) if title == "forecast − truth" else (colours, low, high)
                mesh = axis.imshow(values, origin="lower", cmap=limits[0], vmin=limits[1], vmax=limits[2])
                axis.set_xticks([])
                axis.set_yticks([])
                axis.spines[["top", "right"]].set_visible(True)
                if first + row == 0:
                    axis.set_title(f"t = {forecast.time[k, t]:.4g}")
            fig.colorbar(mesh, ax=panels[first + row, :].tolist(), aspect=12, pad=0.01)
            panels[first + row, 0].set_ylabel(title + (f", {_variable(names, counted)} {variable + 1}" if counted else ""))
    fig.supxlabel(_remarks(axes, space, strides, shown, variables, _variable(names, counted)), fontsize=8)
    style.save(fig, output)


def _variable(names, counted):
    words = [names[i] for i in counted if names[i] != "component"]
    return " ".join(words) if words else "variable"


def _scale(values):
    """Colours and limits: symmetric where a field has both signs."""
    low, high = np.nanmin(values), np.nanmax(values)
    if low < 0 < high and min(-low, high) > 0.1 * max(-low, high):
        bound = np.nanpercentile(np.abs(values), 99.8) or 1.0
        return style.SIGNED_MAP, -bound, bound
    return style.FIELD_MAP, low, high


def _remarks(axes, space, strides, shown, variables, word):
    """What the axes are, and what is not drawn."""
    (up, rows), (right, columns) = (axes[i] for i in space[:2])
    text = f"{rows} x {columns} points" + (f", {up} upwards, {right} to the right" if up != right else "")
    if max(strides) > 1:
        text += f"; every {strides[0]}th and {strides[1]}th point is drawn"
    for i in space[2:]:
        text += f"; the middle of {axes[i][1]} points of {axes[i][0]}"
    if shown < variables:
        text += f"; {word}s 1 to {shown} of {variables}"
    return text
