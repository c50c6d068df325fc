// info: what a file holds, on stdout.
#include "app/commands/commands.hpp"
#include "io/describe.hpp"

#include <fmt/core.h>

namespace spnode::app {

void info(Context& context) {
  for (const std::string& line : io::describe(context.comm, context.line.file))
    if (context.comm.is_root())
      fmt::print("{}\n", line);
}

} // namespace spnode::app
