# The third-party packages of each layer, as imported targets.
# The same file serves the build and the installed package (spnodeConfig.cmake).

find_package(Kokkos 3.4 REQUIRED)
# Debian 12's Kokkos target names an include folder that does not exist.
get_target_property(kokkos_includes Kokkos::kokkos INTERFACE_INCLUDE_DIRECTORIES)
if(kokkos_includes AND NOT kokkos_includes MATCHES "\\$<" AND NOT EXISTS "${kokkos_includes}")
  set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Kokkos_INCLUDE_DIRS}")
endif()
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)

if(NOT SPNODE_CORE_ONLY)
  find_package(MPI REQUIRED COMPONENTS C CXX)
  set(HDF5_PREFER_PARALLEL TRUE)  # the one that PETSc brings where it has HDF5; any will do
  find_package(HDF5 REQUIRED COMPONENTS C)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(PETSC REQUIRED IMPORTED_TARGET PETSc>=3.18)
  pkg_check_modules(SLEPC REQUIRED IMPORTED_TARGET SLEPc>=3.18)
  pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)
endif()
