#!/usr/bin/env bash
# Installs the Debian packages that spnode needs; does nothing where they are all there.
#
#   app/install_dependencies.sh           what the program and its pictures need
#   app/install_dependencies.sh --tests   and what the tests need besides (a Slurm to run the job scripts on, QEMU
#                                         for other processors, strace to disturb runs) and the
#                                         benchmarks (libxsmm, to compare with)
#   app/install_dependencies.sh --aarch64 what tests/aarch64 needs besides (a cross compiler and an emulator)
#
# This is the one list of packages. On other systems (a cluster with modules) provide the same libraries; CMake
# names what it misses.
set -euo pipefail

packages=(
  cmake g++ make ninja-build ccache pkg-config
  libopenmpi-dev openmpi-bin
  libtrilinos-kokkos-dev                # Kokkos
  libblas-dev liblapack-dev
  libopenblas0-serial                   # becomes libblas.so.3: the reference BLAS is ten times slower
  petsc-dev libpetsc-real-dev slepc-dev libslepc-real-dev
  libhdf5-openmpi-dev hdf5-tools
  libfftw3-dev
  libyaml-cpp-dev libfmt-dev
  catch2
  python3 python3-numpy python3-h5py python3-matplotlib python3-yaml
)
case "${1:-}" in
  "") ;;
  --tests) packages+=(slurm-wlm munge libxsmm-dev qemu-user strace) ;;
  --aarch64) packages+=(g++-aarch64-linux-gnu qemu-user) ;;
  *) echo "usage: $0 [--tests|--aarch64]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "This is not a Debian system: provide ${packages[*]} by other means." >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "All ${#packages[@]} packages are installed."
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null; then
  as_root=(sudo)
else
  echo "These packages are missing and this user may not install them (not root, no sudo):" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
