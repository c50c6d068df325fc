"""A deck of input/ for data of one's own: it trains to its goal on the data of input/example_data.py.

The same model comes out on 1 and on 2 ranks; its forecasts are data of the model; a data file without the parameters and inputs that the model depends on is refused.

    example_decks.py SPNODE MPIEXEC SYSTEM GOAL [SECTION.KEY=VALUE...]
"""

import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def datasets(path):
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]})
                        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
        return found


def main():
    spnode, mpiexec, system, goal, *overrides = sys.argv[1:]
    deck = SOURCE / "input" / f"{system}.yaml"
    with tempfile.TemporaryDirectory() as folder:

        def run(ranks, command, *words, status=0):
            done = subprocess.run([mpiexec, "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), spnode, command,
                                   deck, *overrides, *words],
                                  cwd=folder, text=True, capture_output=True)
            print(done.stdout, done.stderr)
            if done.returncode != status:
                sys.exit(f"{command} ended with status {done.returncode} instead of {status}")
            return done.stdout + done.stderr

        subprocess.run([sys.executable, SOURCE / "input" / "example_data.py", system], cwd=folder, check=True)
        for ranks in (1, 2):
            run(ranks, "train", f"output=run{ranks}")
        one, two = datasets(f"{folder}/run1/model.h5"), datasets(f"{folder}/run2/model.h5")
        assert one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)

        run(2, "evaluate", "output=run2")
        with open(f"{folder}/run2/metrics.csv") as file:
            error = {row["metric"]: row["value"] for row in csv.DictReader(file)}["relative_l2_error"]
        print("relative error", error)
        assert float(error) < float(goal), error

        names = [name for group in ("parameters", "inputs") for name in h5py.File(f"{folder}/data/{system}/test.h5").get(group, {})]
        if names:
            run(2, "forecast", "output=run2", "forecast.output=own.h5")
            with h5py.File(f"{folder}/data/{system}/test.h5") as data:
                for written in ("own.h5", "run2/forecast.h5"):
                    with h5py.File(f"{folder}/{written}") as file:
                        for group in ("parameters", "inputs"):
                            for name, values in data.get(group, {}).items():
                                assert np.array_equal(file[group][name], values[:len(file["state"])]), (written, name)
            for number, written in enumerate(("own.h5", "run2/forecast.h5")):
                run(2, "evaluate", f"output=again{number}", "evaluate.model=run2/model.h5", f"evaluate.data={written}")
                with open(f"{folder}/again{number}/metrics.csv") as file:
                    error = {row["metric"]: row["value"] for row in csv.DictReader(file)}["relative_l2_error"]
                assert float(error) < 1e-12, (written, error)
            test, bare = f"{folder}/data/{system}/test.h5", f"{folder}/bare.h5"
            shutil.copy(test, bare)
            with h5py.File(bare, "r+") as file:
                for group in ("parameters", "inputs"):
                    if group in file:
                        del file[group]
            said = run(2, "forecast", "output=run2", "forecast.data=bare.h5", status=3)
            assert "is missing; the model depends on it" in said, said
            said = run(2, "train", "output=run3", "model.parameters=[unknown]", "model.inputs=[]", status=3)
            assert "/parameters/unknown is missing" in said, said


if __name__ == "__main__":
    main()
