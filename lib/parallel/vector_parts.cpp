#include "parallel/vector_parts.hpp"

#include "parallel/count.hpp"

namespace spnode::parallel {

VectorParts::VectorParts(const Communicator& comm, std::size_t size, std::size_t long_from)
    : comm_(comm), size_(size), own_{0, size} {
  if (comm.size() == 1 || size < long_from) return;
  mpi_count(size);
  own_ = share(size, std::size_t(comm.size()), std::size_t(comm.rank()));
  shared_ = true;
}

VectorPart VectorParts::take(std::span<const double> whole) const {
  const auto own = whole.subspan(own_.begin, own_.size());
  return {{own.begin(), own.end()}, size_};
}

VectorParts::Places VectorParts::places() const {
  Places places;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const Range part = share(size_, std::size_t(comm_.size()), std::size_t(rank));
    places.counts.push_back(int(part.size()));
    places.first.push_back(int(part.begin));
  }
  return places;
}

void VectorParts::exchange(std::span<double> whole) const {
  if (!shared_) return;
  const Places at = places();
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, whole.data(), at.counts.data(), at.first.data(),
                 MPI_DOUBLE, comm_.handle());
}

std::vector<double> VectorParts::gather(const VectorPart& part) const {
  if (!shared_) return comm_.is_root() ? part.entries : std::vector<double>();
  std::vector<double> whole(comm_.is_root() ? size_ : 0);
  const Places at = places();
  MPI_Gatherv(part.entries.data(), int(part.entries.size()), MPI_DOUBLE, whole.data(), at.counts.data(),
              at.first.data(), MPI_DOUBLE, 0, comm_.handle());
  return whole;
}

}  // namespace spnode::parallel
