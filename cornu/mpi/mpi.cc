#include "cornu/mpi/mpi.h"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::mpi {
namespace {

void check(int result, const char* what) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw IoError(base::cat("another process of this run is lost: ", what, ": ",
                          std::string(text, static_cast<size_t>(length))));
}

template <class T>
MPI_Datatype type_of();
template <>
MPI_Datatype type_of<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype type_of<double>() {
  return MPI_DOUBLE;
}

class World final : public base::Communicator {
 public:
  World() {
    if (MPI_Init(nullptr, nullptr) != MPI_SUCCESS) throw IoError("MPI cannot be started");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~World() override { MPI_Finalize(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(std::span<float> numbers) override { sum_in_order(numbers, all_floats_); }
  void sum(std::span<double> numbers) override { sum_in_order(numbers, all_doubles_); }
  void broadcast(std::span<std::byte> bytes) override {
    constexpr size_t kPiece = size_t{1} << 30;
    for (size_t at = 0; at < bytes.size(); at += kPiece)
      check(MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(kPiece, bytes.size() - at)),
                      MPI_BYTE, 0, MPI_COMM_WORLD),
            "broadcast");
  }

 private:
  // MPI_Allreduce may add in any order; everybody gets all the parts and adds them by rank.
  template <class T>
  void sum_in_order(std::span<T> numbers, std::vector<T>& all) {
    constexpr size_t kPiece = 1 << 18;
    all.resize(kPiece * static_cast<size_t>(size_));
    for (size_t at = 0; at < numbers.size(); at += kPiece) {
      const size_t count = std::min(kPiece, numbers.size() - at);
      T* own = numbers.data() + at;
      check(MPI_Allgather(own, static_cast<int>(count), type_of<T>(), all.data(),
                          static_cast<int>(count), type_of<T>(), MPI_COMM_WORLD),
            "sum");
      for (size_t i = 0; i < count; ++i) {
        T sum = all[i];
        for (int r = 1; r < size_; ++r) sum += all[static_cast<size_t>(r) * count + i];
        own[i] = sum;
      }
    }
  }

  int rank_ = 0, size_ = 1;
  std::vector<float> all_floats_;
  std::vector<double> all_doubles_;
};

}  // namespace

bool launched() {
  return std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMI_SIZE") || std::getenv("PMIX_RANK");
}

std::shared_ptr<base::Communicator> world() { return std::make_shared<World>(); }

void abort(int exit_status) { MPI_Abort(MPI_COMM_WORLD, exit_status); }

}  // namespace cornu::mpi
