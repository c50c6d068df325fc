#include "core/support/text.hpp"

#include "catch.hpp"

#include <cstdlib>
#include <limits>

using namespace spnode;

TEST_CASE("numbers_are_printed_as_short_as_they_read_back") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(1e308) == "1e+308");
  CHECK(shortest(1e-10) == "1e-10");
  for (const double value : {1.0 / 3.0, 5e-324, std::numeric_limits<double>::max(), 0.1 + 0.2})
    CHECK(std::strtod(shortest(value).c_str(), nullptr) == value);
  CHECK(shortest(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("bytes_are_printed_in_three_digits") {
  CHECK(shown_bytes(12) == "12 bytes");
  CHECK(shown_bytes(107345678) == "107 MB");
  CHECK(shown_bytes(1.5e9) == "1.5 GB");
  CHECK(shown_bytes(0x1p80) == "1.21e+06 EB");
}

TEST_CASE("control_characters_are_printed_as_escapes") {
  CHECK(printable("a \x1b[31m b") == "a \\x1b[31m b");
  CHECK(printable("one\ntwo\r") == "one\\x0atwo\\x0d");
  CHECK(printable("one\ntwo\r", "\n") == "one\ntwo\\x0d");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\xc2\\x9b31m");
  CHECK(printable("d\xc3\xa9j\xc3\xa0 vu") == "d\xc3\xa9j\xc3\xa0 vu");
}
