# Configures lib/core with every other library forbidden, then looks at what its archive asks for: ARCHIVE, or what is
# built here.
set(forbidden)
foreach(package MPI HDF5 PkgConfig yaml-cpp CLI11 fmt spdlog)
  list(APPEND forbidden -D CMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G ${GENERATOR} -D CMAKE_BUILD_TYPE=Debug
  -D SPNODE_CORE_ONLY=ON -D SPNODE_WERROR=ON -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${forbidden}
  COMMAND_ERROR_IS_FATAL ANY)
if(NOT ARCHIVE)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target spnode_core --parallel 2 COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE ARCHIVE ${BUILD}/*spnode_core.a)
endif()
execute_process(COMMAND nm --undefined-only ${ARCHIVE} OUTPUT_VARIABLE symbols ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " U (MPI_|H5|Petsc|Vec[A-Z]|Tao[A-Z]|EPS[A-Z]|fftw_)[A-Za-z_]*" foreign "${symbols}")
if(foreign)
  message(FATAL_ERROR "lib/core asks for symbols of other libraries:${foreign}")
endif()
