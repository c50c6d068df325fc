#include "distributed/petsc.hpp"
