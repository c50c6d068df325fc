#pragma once
/// The vector registers that the build is for: kernels of the host take the width of a pack and the shape of
/// their register tiles from here, and from nowhere else.
///
/// The compiler's macros choose the row, so that a build has one width and gives the same bits wherever it
/// runs. To port: add a row and the macro that chooses it; the tests of the label `speed` say how the kernels
/// then compare with BLAS and the C library.

#include <algorithm>
#include <cstddef>

namespace spnode::core {

struct VectorUnit {
  const char* name;
  std::size_t bytes;      ///< of a register, and so of a pack
  std::size_t registers;  ///< that there are
  std::size_t others;  ///< of them, what a tile needs beside its accumulators and a row of the right factor
  std::size_t packs;   ///< columns of the widest register tile
  std::size_t most_rows;  ///< of a register tile; taller ones gain nothing
  std::size_t cache;      ///< bytes that a tile's tape may take to stay in cache

  /// Rows of a register tile of `columns` packs that fit in the registers.
  constexpr std::size_t rows(std::size_t columns) const {
    return std::min((registers - columns - others) / columns, most_rows);
  }
};

// Others: a broadcast entry of the left factor; without fused multiply-add a product, too. On Arm g++ 12
// keeps entries of the left factor, which its instructions take from a register, and spills with less.
// Cache: the second level that cores of the kind have at least. With AVX2 twice that: on Zen 3 (512 KiB)
// tapes of 1 MiB, which the third level serves, are 3 to 5 % faster than half as wide ones, on one core and
// on two.
#if defined __AVX512F__
inline constexpr VectorUnit vector_unit{"AVX-512", 64, 32, 1, 4, 12, 1 << 20};
#elif defined __AVX__ && defined __FMA__
inline constexpr VectorUnit vector_unit{"AVX2", 32, 16, 1, 2, 12, 1 << 20};
#elif defined __AVX__
inline constexpr VectorUnit vector_unit{"AVX", 32, 16, 2, 2, 12, 1 << 18};
#elif defined __SSE2__
inline constexpr VectorUnit vector_unit{"SSE2", 16, 16, 2, 2, 12, 1 << 18};
#elif defined __ARM_FEATURE_SVE_BITS && __ARM_FEATURE_SVE_BITS > 0
inline constexpr VectorUnit vector_unit{"SVE", __ARM_FEATURE_SVE_BITS / 8, 32, 12, 4, 8, 1 << 20};
#elif defined __ARM_NEON
inline constexpr VectorUnit vector_unit{"NEON", 16, 32, 8, 4, 10, 1 << 19};
#else  // not in this table: the compiler lowers packs of 16 bytes as it can
inline constexpr VectorUnit vector_unit{"unknown vectors", 16, 16, 2, 2, 12, 1 << 18};
#endif

}  // namespace spnode::core
