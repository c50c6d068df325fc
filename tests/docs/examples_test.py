"""The decks, commands and lines of Python that README.md and docs/ show work.

usage: examples_test.py SPNODE REPOSITORY
"""
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py  # noqa: F401
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

REPOSITORY = Path(sys.argv.pop(2)).resolve()
SPNODE = Path(sys.argv.pop(1)).resolve()


def blocks(page, language):
    """The code blocks of a language in a page."""
    return re.findall(rf"```{language}\n(.*?)```", (REPOSITORY / page).read_text(encoding="utf-8"), re.DOTALL)


def make_data(folder, code):
    """Runs the lines of h5py as they stand for each of the three files, with travelling waves that decay."""
    random = np.random.default_rng(1)
    for name in ("train.h5", "validation.h5", "test.h5"):
        time, wave = np.linspace(0, 3, 31), np.arange(1, 12)
        phase = (wave * np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None] - np.sqrt(wave) * time[:, None, None]
                 + random.uniform(0, 2 * np.pi, (30, 1, 1, 11)))
        amplitude = random.standard_normal((30, 1, 1, 11)) * np.exp(-0.1 * time[:, None, None])
        names = {"state": (amplitude * np.cos(phase)).sum(axis=3), "time": time}
        exec(code.replace('"train.h5"', repr(str(Path(folder, name)))), names)  # noqa: S102


class Examples(unittest.TestCase):
    def check_page(self, page):
        decks = [block for block in blocks(page, "yaml") if block.startswith("output:")]
        lines = blocks(page, "python")
        self.assertEqual((len(decks), len(lines)), (1, 1))
        self.assertEqual(len(lines[0].strip().splitlines()), 3)
        with tempfile.TemporaryDirectory() as folder:
            make_data(folder, lines[0])
            Path(folder, "deck.yaml").write_text(decks[0], encoding="utf-8")
            for words in (["check", "deck.yaml"], ["train", "deck.yaml", "training.adam.epochs=1"],
                          ["evaluate", "deck.yaml"], ["spectrum", "deck.yaml"], ["info", "train.h5"]):
                done = subprocess.run([SPNODE, *words], cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")

    def test_the_readme_shows_what_works(self):
        self.check_page("README.md")

    def test_the_user_guide_shows_what_works(self):
        self.check_page("docs/user-guide.md")

    def test_the_tutorial_works_as_written(self):
        text = (REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8")
        has_matplotlib = importlib.util.find_spec("matplotlib") is not None
        decks = 0
        with tempfile.TemporaryDirectory() as folder:
            for name in ("input", "app"):
                Path(folder, name).symlink_to(REPOSITORY / name)
            path = f"{SPNODE.parent}:{os.environ['PATH']}"
            environment = {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
            for language, code in re.findall(r"```(sh|python|yaml)\n(.*?)```", text, re.DOTALL):
                if language == "yaml":
                    self.assertLessEqual(len(code.splitlines()), 25)
                    Path(folder, "deck.yaml").write_text(code, encoding="utf-8")
                    decks += 1
                    continue
                if not has_matplotlib and ("matplotlib" in code or "plot.py" in code):
                    continue
                command = [sys.executable, "-c", code] if language == "python" else \
                    ["bash", "-euc", code.replace("/usr/bin/python3", sys.executable)]
                done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, f"{code}: {done.stdout}{done.stderr}")
            for name in ("start.h5", "runs/predators/trajectories.h5", "runs/network/metrics.csv"):
                self.assertTrue(Path(folder, name).exists(), name)
        self.assertEqual(decks, 1)

    def test_links_lead_somewhere(self):
        pages = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("lib/**/README.md"),
                 *REPOSITORY.glob("*/README.md"), REPOSITORY / "app/plots/README.md"]
        for page in pages:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                with self.subTest(page=page.name, link=target):
                    self.assertTrue((page.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
