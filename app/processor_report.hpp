#pragma once
/// What a run says of the processors it meets.

#include "parallel/communicator.hpp"

namespace spnode::app {

/// Says what the program was built for, and warns where a rank's processor has wider vectors than that or
/// where the ranks' processors differ. Collective.
void report_processor(const parallel::Communicator& comm);

}  // namespace spnode::app
