# The main program of tests without MPI (serial: core alone) and with MPI, PETSc and SLEPc (mpi).
function(spnode_test_main kind)
  add_library(spnode_test_main_${kind} OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/listener.cpp)
  target_include_directories(spnode_test_main_${kind} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(spnode_test_main_${kind} PUBLIC spnode::core Catch2::Catch2WithMain PRIVATE spnode_options)
endfunction()

# spnode_test(FILE.cpp [RANKS 1 2 3] [LINK targets...] [LABELS ...]): one Catch2 program per file of tests.
# With RANKS the program runs under mpirun once for each number of ranks.
function(spnode_test source)
  cmake_parse_arguments(ARG "" "" "RANKS;LINK;LABELS" ${ARGN})
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(program test_${folder}_${name})
  add_executable(${program} ${source})
  set(kind serial)
  if(ARG_RANKS)
    set(kind mpi)
  endif()
  target_link_libraries(${program} PRIVATE spnode_test_main_${kind} ${ARG_LINK} spnode_options)
  if(NOT ARG_RANKS)
    add_test(NAME ${folder}.${name} COMMAND ${program})
    set_tests_properties(${folder}.${name} PROPERTIES LABELS "${folder};${ARG_LABELS}")
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    add_test(NAME ${folder}.${name}.np${ranks}
      COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${program}>)
    set_tests_properties(${folder}.${name}.np${ranks} PROPERTIES
      PROCESSORS ${ranks} TIMEOUT 600 LABELS "${folder};${ARG_LABELS}"
      ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OPENBLAS_NUM_THREADS=1")
  endforeach()
endfunction()
