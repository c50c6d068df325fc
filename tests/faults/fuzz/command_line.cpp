// Words of any bytes are sorted, and overrides among them are applied or refused with status 2.
#include "app/command_line.hpp"

#include "app/deck/deck.hpp"
#include "fuzz.hpp"

using namespace spnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const app::Arguments arguments("spnode", fuzz::split(fuzz::to_string(data, size)));
  const app::CommandLine line = app::parse_command_line(arguments.count, arguments.values);
  fuzz::succeeds([&] { app::read_deck("", "deck.yaml", line.overrides); }, {ExitStatus::usage_error});
  return 0;
}
