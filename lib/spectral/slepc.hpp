#pragma once
/// Owners of SLEPc handles.

#include "distributed/petsc_handles.hpp"

#include <slepceps.h>
#include <slepcsvd.h>

namespace spnode::spectral {

using EpsHandle = distributed::PetscHandle<EPS, EPSDestroy>;
using SvdHandle = distributed::PetscHandle<SVD, SVDDestroy>;

}  // namespace spnode::spectral
