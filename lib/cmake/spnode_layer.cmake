# spnode_layer(NAME DEPENDS targets...): the library of one layer (folder = target = namespace).
# The folder adds its files with target_sources(spnode_NAME PRIVATE ...).
#
# spnode_options: what everything here is compiled with; spnode_warnings: the same for any processor.
add_library(spnode_warnings INTERFACE)
target_compile_options(spnode_warnings INTERFACE -Wall -Wextra -Wshadow
  # Vector types are passed by value between inline functions only: their ABI never meets another build's.
  -Wno-psabi
  $<$<BOOL:${SPNODE_WERROR}>:-Werror>)
add_library(spnode_options INTERFACE)
target_link_libraries(spnode_options INTERFACE spnode_warnings)
if("CUDA" IN_LIST Kokkos_DEVICES)
  # nvcc does not know GCC's loop pragmas (1675), nor that kernels of the host are for another backend (177).
  target_compile_options(spnode_warnings INTERFACE "SHELL:-Xcudafe --diag_suppress=1675" "SHELL:-Xcudafe --diag_suppress=177")
endif()
if(NOT SPNODE_ARCH STREQUAL "default")
  include(CheckCXXCompilerFlag)
  # Words after the first are options too: -msve-vector-bits=512.
  set(spnode_arch_options ${SPNODE_ARCH})
  list(TRANSFORM spnode_arch_options PREPEND -march= AT 0)
  list(JOIN spnode_arch_options " " spnode_arch_words)
  string(MAKE_C_IDENTIFIER "SPNODE_ARCH_IS_KNOWN_${SPNODE_ARCH}" spnode_arch_is_known)
  check_cxx_compiler_flag("${spnode_arch_words}" ${spnode_arch_is_known})
  if(NOT ${spnode_arch_is_known})
    message(FATAL_ERROR "SPNODE_ARCH=${SPNODE_ARCH}: the compiler does not take ${spnode_arch_words}; allowed are "
      "native, default, on x86-64 the levels x86-64-v2, x86-64-v3 and x86-64-v4, and the compiler's names of processors")
  endif()
  # Vectors of full width where the processor has them: the lane kernels gain up to half.
  check_cxx_compiler_flag(-mprefer-vector-width=512 SPNODE_HAS_VECTOR_WIDTH)
  if(SPNODE_HAS_VECTOR_WIDTH)
    list(APPEND spnode_arch_options -mprefer-vector-width=512)
  endif()
  # With AVX-512 g++ 12 makes {100, 100, 100, 100} of a constant struct {100, 100, 0, 0}, where it moves 32 bytes at once.
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "${spnode_arch_words} -mmove-max=128 -mstore-max=128")
  string(MAKE_C_IDENTIFIER "SPNODE_NEEDS_NARROW_MOVES_${SPNODE_ARCH}" spnode_needs_narrow_moves)
  check_cxx_source_compiles("#ifndef __AVX512VL__\n#error\n#endif\nint main() {}" ${spnode_needs_narrow_moves})
  unset(CMAKE_REQUIRED_FLAGS)
  if(${spnode_needs_narrow_moves})
    list(APPEND spnode_arch_options -mmove-max=128 -mstore-max=128)
  endif()
  # FMA contraction stays on, and must be the same for every rank and tile. Tuned for AMD's processors g++ leaves it out
  # where products are added to one sum only, so that the bits of a lane would depend on the lanes beside it.
  check_cxx_compiler_flag(--param=avoid-fma-max-bits=0 SPNODE_HAS_AVOID_FMA)
  if(SPNODE_HAS_AVOID_FMA)
    list(APPEND spnode_arch_options --param=avoid-fma-max-bits=0)
  endif()
  target_compile_options(spnode_options INTERFACE ${spnode_arch_options})
endif()

# spnode_for_any_processor(TARGET files...): compiles these files for the least processor of the architecture. They
# find out whether the program may run at all.
function(spnode_for_any_processor target)
  set(options $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-march=x86-64>
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:-march=armv8-a>)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS "${options}")
endfunction()

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
