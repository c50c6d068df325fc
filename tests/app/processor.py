"""What a run says of the processor, and what a program does on a processor that it was not built for."""
import shutil
import subprocess
import unittest

import program

OLDER = ("qemu-x86_64", "-cpu", "Nehalem")  # x86-64-v2


def built_for():
    return subprocess.run([program.PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout


class Processors(program.ProgramTest):
    def needs_an_older_processor(self):
        if not shutil.which(OLDER[0]):
            self.skipTest(f"{OLDER[0]} is not installed")
        if "x86-64-v3" not in built_for() and "x86-64-v4" not in built_for():
            self.skipTest("the program runs on every processor that is emulated here")

    def test_first_line_of_a_run_says_once_what_the_program_was_built_for(self):
        outcome = self.spnode(2, "train", "absent.yaml")
        self.assertEqual(outcome.statuses, [2, 2], outcome.output)
        first = outcome.output.splitlines()[0]
        self.assertRegex(first, r"^spnode [0-9.]+, built for .*\(.*\), on 2 ranks$")
        self.assertEqual(outcome.output.count("built for"), 1, outcome.output)

    def test_processor_that_lacks_instructions_is_refused_with_one_message(self):
        self.needs_an_older_processor()
        done = subprocess.run(self.command(2, *OLDER, program.PROGRAM, "--version"), capture_output=True, text=True,
                              timeout=self.seconds, check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stderr.count("spnode: error: "), 1, done)
        self.assertRegex(done.stderr, r"built for x86-64-v[34] .* lacks avx. Build it with -DSPNODE_ARCH=x86-64-v2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
