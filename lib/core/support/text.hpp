#pragma once
/// Numbers and quotations in messages.

#include <string>
#include <string_view>

namespace spnode {

/// The shortest decimal text that reads back to the same double ("nan", "inf" where it is not finite).
std::string shortest(double value);

/// A number in so many significant digits, without zeros at the end: "2.66667".
std::string rounded(double value, int digits);

/// A number of bytes in three digits, "1.5 GB".
std::string shown_bytes(double bytes);

/// `text` with its control characters as escapes (\x1b), so that it can neither steer a terminal nor look
/// like another line; those in `kept` stay.
std::string printable(std::string_view text, std::string_view kept = {});

}  // namespace spnode
