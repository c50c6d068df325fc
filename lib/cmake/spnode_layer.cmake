# spnode_layer(NAME DEPENDS targets...): the library of one layer (folder = target = namespace).
# The folder adds its files with target_sources(spnode_NAME PRIVATE ...).
add_library(spnode_options INTERFACE)
target_compile_options(spnode_options INTERFACE -Wall -Wextra -Wshadow
  # Vector types are passed by value between inline functions only: their ABI never meets another build's.
  -Wno-psabi
  # FMA contraction stays on: it is the same for every rank, tile and thread of one build.
  $<$<BOOL:${SPNODE_WERROR}>:-Werror>)
if("CUDA" IN_LIST Kokkos_DEVICES)
  # nvcc does not know GCC's loop pragmas (1675), nor that kernels of the host are for another backend (177).
  target_compile_options(spnode_options INTERFACE "SHELL:-Xcudafe --diag_suppress=1675" "SHELL:-Xcudafe --diag_suppress=177")
endif()
if(NOT SPNODE_ARCH STREQUAL "default")
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag("-march=${SPNODE_ARCH}" SPNODE_ARCH_IS_KNOWN_${SPNODE_ARCH})
  if(NOT SPNODE_ARCH_IS_KNOWN_${SPNODE_ARCH})
    message(FATAL_ERROR "SPNODE_ARCH=${SPNODE_ARCH}: the compiler takes no -march=${SPNODE_ARCH}; allowed are native, its own names, on x86-64 also x86-64-v2, x86-64-v3, x86-64-v4, and default")
  endif()
  set(spnode_arch_options -march=${SPNODE_ARCH})
  # Vectors of full width where the processor has them: the lane kernels gain up to half.
  check_cxx_compiler_flag(-mprefer-vector-width=512 SPNODE_HAS_VECTOR_WIDTH)
  if(SPNODE_HAS_VECTOR_WIDTH)
    list(APPEND spnode_arch_options -mprefer-vector-width=512)
  endif()
  target_compile_options(spnode_options INTERFACE ${spnode_arch_options})
endif()

function(spnode_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_library(spnode_${name} STATIC)
  add_library(spnode::${name} ALIAS spnode_${name})
  target_include_directories(spnode_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/spnode>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(spnode_${name} PUBLIC ${ARG_DEPENDS} PRIVATE $<BUILD_INTERFACE:spnode_options>)
  target_compile_features(spnode_${name} PUBLIC cxx_std_20)
  set_target_properties(spnode_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  set_property(GLOBAL APPEND PROPERTY SPNODE_LAYERS ${name})
endfunction()
