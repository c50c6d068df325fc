"""The checker itself must be able to fail: it is shown calls that throw and calls that do not."""
import unittest

from check_filesystem import problems

THROWS = [
    "if (std::filesystem::exists(path)) return;",
    "fs::rename(from, to);",
    "fs::is_directory(folder(a, b))",
    "for (const auto& entry : fs::directory_iterator(folder, error)) use(entry);",
    "fs::directory_iterator files(folder);",
]
DOES_NOT = [
    "if (std::filesystem::exists(path, error)) return;",
    "fs::rename(from, to, error);",
    "fs::path(path).parent_path()",
    "fs::directory_iterator files(folder, error);",
    "for (; files != fs::directory_iterator(); files.increment(error)) use(*files);",
]


class CheckFilesystem(unittest.TestCase):
    def test_a_call_that_throws_is_found(self):
        for text in THROWS:
            with self.subTest(text):
                self.assertEqual(len(problems(text)), 1)

    def test_a_call_with_an_error_code_passes(self):
        for text in DOES_NOT:
            with self.subTest(text):
                self.assertEqual(problems(text), [])


if __name__ == "__main__":
    unittest.main()
