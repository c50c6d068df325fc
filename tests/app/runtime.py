"""A failure ends all ranks with the right status and one message, whichever rank it happens on."""
import os
import time
import unittest

import program

program.PROGRAM = os.environ["FAILING_PROGRAM"]


class Failures(program.ProgramTest):
    def fails(self, what, status, message, ranks=3):
        outcome = self.spnode(ranks, what)
        self.assertEqual(outcome.statuses, [status] * ranks, outcome.output)
        self.assertEqual(outcome.errors, 1, outcome.output)
        self.assertIn(message, outcome.output)

    def test_success_is_status_0(self):
        self.succeed(3, "nothing")

    def test_failure_of_all_ranks_is_printed_once(self):
        self.fails("all", 3, "on all ranks")

    def test_failure_of_one_rank_at_the_end_is_the_status_of_all(self):
        self.fails("at_the_end", 4, "on the last rank, at the end")

    def test_exhausted_memory_of_one_rank_names_the_rank(self):
        self.fails("memory", 1, "out of memory on rank 2, which holds ")

    def test_failure_of_one_rank_while_the_others_wait_ends_all_ranks(self):
        start = time.monotonic()
        process = self.start(3, "alone")
        output = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 5, output)
        self.assertEqual(output.count("spnode: error: on the last rank, in the middle (on rank 2 alone"), 1, output)
        self.assertLess(time.monotonic() - start, 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
