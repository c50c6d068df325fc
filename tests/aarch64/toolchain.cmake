# CMake toolchain file: Debian's cross compiler for 64-bit Arm, libraries from the sysroot that run.sh fills, and
# QEMU to run what was built.
#
# EMULATED_CPU: the processor as QEMU names it, with the length of its vectors in bytes.
set(EMULATED_CPU cortex-a72 CACHE STRING "Processor that QEMU emulates")
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Only here: the libraries of this machine are for another processor. Not CMAKE_SYSROOT: the C and C++ libraries
# to compile with belong to the cross compiler.
cmake_path(ABSOLUTE_PATH CMAKE_CURRENT_LIST_DIR NORMALIZE OUTPUT_VARIABLE here)
cmake_path(SET sysroot NORMALIZE ${here}/../../build/aarch64/sysroot)
set(CMAKE_FIND_ROOT_PATH ${sysroot})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Debian's BLAS and LAPACK stand in folders of their own, reached through links that installing them would make.
set(libraries /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE})
set(CMAKE_LIBRARY_PATH ${libraries}/blas ${libraries}/lapack)
# What those libraries need themselves.
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-rpath-link,${sysroot}${libraries})

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L ${sysroot} -cpu ${EMULATED_CPU})
