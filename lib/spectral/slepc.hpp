#pragma once
/// Owners of SLEPc handles.

#include "petsc/handles.hpp"

#include <slepceps.h>
#include <slepcsvd.h>

namespace spnode::spectral {

using EpsHandle = petsc::PetscHandle<EPS, EPSDestroy>;
using SvdHandle = petsc::PetscHandle<SVD, SVDDestroy>;

}  // namespace spnode::spectral
