"""Systems of LECTURE: a map, piecewise linear flows, a classification."""
import csv

import h5py
import numpy as np

from study import Goal, System

SIGMOID_SYSTEM = ("limit_sets.source=system", "limit_sets.parameter=sigmoid_map.b")


def limit_sets(study, run, *words):
    """The columns of limit_sets.csv."""
    study.spnode("limit_sets", f"output={run}", "limit_sets.points=1", *words, "--overwrite")
    with (study.folder / run / "limit_sets.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def limit_sets_of_map(study, run):
    """Of the learned map against those of the map: the part of the orbits of another kind or period, exponents."""
    model, system = limit_sets(study, run), limit_sets(study, f"{run}/system", *SIGMOID_SYSTEM)
    other = (model["kind"] != system["kind"]) | (model["period"] != system["period"])
    difference = np.abs(model["exponent"].astype(float) - system["exponent"].astype(float))
    return {"other_limit_sets": other.mean(), "median_exponent_error": np.median(difference)}


def limit_sets_of_flow(study, run):
    """Of the learned flow against the mean over those of the flow itself, relative."""
    model, system = limit_sets(study, run), limit_sets(study, f"{run}/system", "limit_sets.source=system")
    name = "period_time" if study.deck.stem == "relu_limit_cycle" else "exponent"
    exact = system[name].astype(float).mean()
    return {f"{name}_error": np.abs(model[name].astype(float).mean() / exact - 1)}


def disc_and_ring(study, run, radius=1.6, points=33):
    """Test points whose forecast ends nearer to the target of the others, and the width of the arc of a circle in the ring
    that does not reach its target: where the ways around the disc part, found by the angles that the states run through."""
    def ways(start):
        states = study.folder / run / "start.h5"
        with h5py.File(states, "w") as file:
            file["state"], file["time"] = np.repeat(start[:, None], 2, axis=1), time
        return study.forecast(run, f"forecast.data={states}", "forecast.step=0.05", "forecast.steps=200",
                              "forecast.substeps=1")

    with h5py.File(study.data("test")) as file:
        start, time = file["state"][:, 0], file["time"][...]
    end, disc = ways(start)[:, -1], np.linalg.norm(start, axis=1) < 1
    to_disc = np.linalg.norm(end, axis=1) < np.linalg.norm(end - [2, 0], axis=1)
    first, width = -np.pi, 2 * np.pi
    for _ in range(12):
        angle = first + width * np.linspace(0, 1, points)
        way = ways(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
        if np.linalg.norm(way[:, -1] - [2, 0], axis=1).max() > 0.5:
            break
        turned = np.unwrap(np.arctan2(way[..., 1], way[..., 0]), axis=1)
        parting = np.abs(np.diff(turned[:, -1] - turned[:, 0])).argmax()
        first, width = angle[parting], angle[parting + 1] - angle[parting]
    return {"wrong": np.mean(to_disc != disc), "arc_off_target": width}


SYSTEMS = {
    "sigmoid_map": System([Goal("other_limit_sets", 0.02), Goal("median_exponent_error", 1e-3)], None,
                          measures=(limit_sets_of_map,)),
    "relu_limit_cycle": System([Goal("period_time_error", 1e-3), Goal("relative_l2_error")], None,
                               measures=(limit_sets_of_flow,)),
    # The exponent of shorter orbits is not known to 2 %.
    "relu_chaos": System([Goal("exponent_error", 0.02), Goal("relative_l2_error")], None,
                         measures=(limit_sets_of_flow,), words=("limit_sets.length=20000",)),
    "disc_and_ring": System([Goal("wrong"), Goal("arc_off_target")], None, measures=(disc_and_ring,)),
}
