#pragma once
/// How much memory there is, and the refusal of what needs more.

#include <string>

namespace spnode::core {

/// Bytes of the node that the processes of a job may share: its memory, or what the control groups of this
/// process leave of it. Not collective.
double node_memory();

/// Bytes that this process may hold: node_memory(), or its own limits (ulimit -v, -d). Not collective.
double process_memory();

/// Bytes that this process holds now (resident set). Not collective.
double resident_memory();

/// Lets allocations beyond node_memory() fail (RLIMIT_DATA) where the system would otherwise grant them and
/// end the process when it uses them. Not collective.
void limit_memory();

/// "out of memory on rank 2, which holds 1.5 GB of the 64 GB that a process here has": what to say of a
/// failed allocation of which nothing else is known. Not collective.
std::string out_of_memory(int rank);

/// Raises UsageError, "WHAT needs 1.5 TB of memory; a process here has 64 GB", where `bytes` are more than
/// process_memory(). A double, so that no product of extents overflows on the way. Not collective.
void require_memory(double bytes, const std::string& what);

}  // namespace spnode::core
