"""The campaigns find what they look for: programs that misbehave are shown to them."""
import random
import tempfile
import unittest
from pathlib import Path

from damage import DAMAGES, damage
from running import Finding, Program
from tracing import choose, final_name, on_files, read_calls

LOG = """\
7 openat(AT_FDCWD</home/me>, "/usr/lib/libm.so", O_RDONLY) = 3</usr/lib/libm.so>
7 openat(AT_FDCWD</home/me>, "run/model.h5.tmp-ab12", O_RDWR|O_CREAT) = 17</home/me/run/model.h5.tmp-ab12>
8 write(5<pipe:[12]>, "/home/me/run/x", 11) = 11
7 pwrite64(17</home/me/run/model.h5.tmp-ab12>, "..."..., 48, 0) = -1 EIO (Input/output error) (INJECTED)
7 rename("run/model.h5.tmp-ab12", "run/model.h5") = 0
"""


class Programs(unittest.TestCase):
    """Shell scripts in the place of the program."""
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name, "work")
        self.folder.mkdir()

    def run_script(self, text, stoppable=False):
        script = self.folder / "script"
        script.write_text("#!/bin/sh\n" + text + "\n", encoding="utf-8")
        script.chmod(0o755)
        return Program(script, limit=0.5).run(self.folder, 1, ["word"], stoppable=stoppable)

    def found(self, text, message, *legal):
        with self.assertRaisesRegex(Finding, message):
            self.run_script(text).require(*legal)

    def test_good_ends_are_no_findings(self):
        self.run_script("true").require(0)
        self.run_script("echo 'spnode: error: no' >&2; exit 3").require(0, 3)

    def test_wrong_statuses_are_found(self):
        self.found("exit 1", "status 1", 0, 3)
        self.found("kill -SEGV $$", "Segmentation fault|status 139", 0, 3)
        self.found("kill -KILL $$", "status 137", 0, 3)

    def test_hang_is_found(self):
        self.found("exec sleep 60", "hangs", 0)
        self.assertTrue(self.run_script("trap '' TERM; while :; do :; done", stoppable=True).hung)

    def test_missing_and_repeated_messages_are_found(self):
        self.found("exit 3", "with 0 messages", 3)
        self.found("echo spnode: error: a; echo spnode: error: a; exit 3", "with 2 messages", 3)

    def test_traces_of_crashes_are_found_whatever_the_status(self):
        self.found("echo '==1==ERROR: AddressSanitizer: heap'; exit 0", "AddressSanitizer", 0)


class Tracing(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w") as log:
            log.write(LOG)
            log.flush()
            self.calls = read_calls(Path(log.name), Path("/home/me"))

    def test_calls_on_files_of_the_folder_are_recognised(self):
        path = "run/model.h5.tmp-ab12"
        self.assertEqual([call.path for call in self.calls], [None, path, None, path, path])
        self.assertEqual([call.number for call in self.calls], [1, 2, 1, 1, 1])
        self.assertEqual([call.name for call in self.calls if call.injected], ["pwrite64"])
        self.assertEqual(final_name(path), "run/model.h5")

    def test_only_calls_that_did_something_are_chosen(self):
        chosen = {choose(random.Random(seed), on_files(self.calls)).name for seed in range(50)}
        self.assertEqual(chosen, {"openat", "rename"})


class Damages(unittest.TestCase):
    def test_every_damage_changes_the_file(self):
        kinds = set()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            for seed in range(300):
                path.write_bytes(bytes(100) + bytes(range(100)))
                kinds.add(damage(random.Random(seed), path, DAMAGES))
                self.assertNotEqual(path.read_bytes(), bytes(100) + bytes(range(100)))
        self.assertEqual(kinds, {kind.__name__ for kind in DAMAGES})


if __name__ == "__main__":
    unittest.main(verbosity=2)
