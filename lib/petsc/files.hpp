#pragma once
/// Files that PETSc's options name, checked before PETSc needs them.

#include "parallel/communicator.hpp"

#include <span>
#include <string>

namespace spnode::petsc {

/// Checks the files that PETSc opens while it starts and could not do without: those of -options_file and
/// -history in `words` and in the environment's PETSC_OPTIONS. PETSc opens them on rank 0 alone, and the
/// other ranks would wait. Raises UsageError. For rank 0; not collective.
void check_start_files(std::span<const std::string> words);

/// Checks that files of viewers in the options database, `-log_view [type]:file[:format]` and the like, can
/// be written, and that PETSc knows the type of -log_view: it opens them when the work is done. To be called
/// after PetscInitialize. Collective. Raises UsageError, and then the database is empty, so that the end of
/// PETSc does not try them again.
void check_viewer_files(const parallel::Communicator& comm);

}  // namespace spnode::petsc
