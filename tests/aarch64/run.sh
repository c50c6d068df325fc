#!/usr/bin/env bash
# Builds lib/core for 64-bit Arm with warnings as errors and runs its tests, on any Debian machine: the cross
# compiler is Debian's and QEMU runs the programs.
#
#   tests/aarch64/run.sh                    NEON, then SVE with vectors of 256 and of 512 bits
#   tests/aarch64/run.sh neon|sve256|sve512 one of them
#   tests/aarch64/run.sh neon -R kernels    further words go to ctest, and choose the tests
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/build/aarch64
targets=(neon sve256 sve512)
if [ $# -gt 0 ]; then
  targets=("$1")
  shift
fi

app/install_dependencies.sh --aarch64

# The libraries of the target in a folder of their own. A separate state of apt, in which nothing is installed yet,
# fetches them with all that they need, and leaves this machine free of packages for another processor.
if [ ! -d "$build/sysroot" ]; then
  rm -rf "$build/apt" "$build/sysroot.new"
  mkdir -p "$build"/apt/{lists,archives}/partial "$build/sysroot.new"
  touch "$build/apt/status"
  cat >"$build/apt/apt.conf" <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "$build/apt";
Dir::State::status "$build/apt/status";
Dir::Cache "$build/apt";
EOF
  export APT_CONFIG=$build/apt/apt.conf
  apt-get update -qq
  apt-get install -qq --download-only --no-install-recommends \
    libtrilinos-kokkos-dev libblas-dev liblapack-dev catch2 </dev/null
  for package in "$build"/apt/archives/*.deb; do
    dpkg -x "$package" "$build/sysroot.new"
  done
  # Kokkos names this file by a path outside the sysroot; since glibc 2.34 it is empty.
  sed -i 's|/usr/lib/[^";]*/libdl\.a|dl|' "$build"/sysroot.new/usr/lib/*/cmake/KokkosCore/KokkosCoreTargets.cmake
  mv "$build/sysroot.new" "$build/sysroot"
fi

for target in "${targets[@]}"; do
  case $target in
    # A processor without SVE: an instruction of it would stop the program.
    neon) arch=default cpu=cortex-a72 ;;
    # Programs for vectors of a fixed length are wrong on every other length: QEMU is told the same, in bytes.
    sve*)
      bits=${target#sve}
      arch="armv8.2-a+sve;-msve-vector-bits=$bits" cpu=max,sve-default-vector-length=$((bits / 8))
      ;;
    *) echo "usage: $0 [neon|sve256|sve512 [words for ctest]]" >&2; exit 2 ;;
  esac
  echo "== $target"
  # QEMU computes SVE several times slower than NEON: these two alone take longer than all the others together.
  words=("$@")
  if [ $# -eq 0 ] && [ "$target" != neon ]; then
    words=(-E 'functions_(phi|expmv)$')
  fi
  cmake -G Ninja -S . -B "$build/$target" --toolchain tests/aarch64/toolchain.cmake -DEMULATED_CPU="$cpu" \
    -DCMAKE_BUILD_TYPE=Release -DSPNODE_CORE_ONLY=ON -DSPNODE_WERROR=ON -DSPNODE_ARCH="$arch"
  cmake --build "$build/$target" --target tests/core/all --parallel "$(nproc)"
  ctest --test-dir "$build/$target" --parallel "$(nproc)" --output-on-failure -L '^core$' "${words[@]}"
done
