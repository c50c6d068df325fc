#include "core/support/text.hpp"

#include <charconv>
#include <iterator>

namespace spnode {

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string rounded(double value, int digits) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

std::string shown_bytes(double bytes) {
  constexpr const char* units[] = {" bytes", " kB", " MB", " GB", " TB", " PB", " EB"};
  std::size_t unit = 0;
  for (; bytes >= 1000.0 && unit + 1 < std::size(units); ++unit) bytes /= 1000.0;
  return rounded(bytes, 3) + units[unit];
}

std::string printable(std::string_view text, std::string_view kept) {
  constexpr const char* digits = "0123456789abcdef";
  std::string shown;
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Those beyond ASCII, U+0080 to U+009F, are C2 80 to C2 9F in UTF-8.
    const bool control = byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte >= 0x80 && byte < 0xA0);
    if (!control || kept.find(c) != std::string_view::npos)
      shown += c;
    else
      shown.append("\\x").append({digits[byte / 16], digits[byte % 16]});
    before = byte;
  }
  return shown;
}

}  // namespace spnode
