// info: what a file holds, on stdout.
#include <fmt/core.h>

#include "app/commands/commands.hpp"
#include "core/support/text.hpp"
#include "io/describe.hpp"

namespace spnode::app {

void info(Context& context) {
  for (const std::string& line : io::describe(context.comm, context.line.file))
    if (context.comm.is_root()) fmt::print("{}\n", printable(line));
}

}  // namespace spnode::app
