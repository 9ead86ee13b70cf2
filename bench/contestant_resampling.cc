// oneDNN 2.x doubling the size of pictures and volumes.

#include <oneapi/dnnl/dnnl.hpp>

#include "bench/contestant.h"

namespace cornu::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// (N, *n, C), which oneDNN names (N, C, *n).
memory::desc channels_last(const Shape& x) {
  memory::dims dims{x[0], x[-1]};
  dims.insert(dims.end(), x.begin() + 1, x.end() - 1);
  constexpr Tag kTags[] = {Tag::nwc, Tag::nhwc, Tag::ndhwc};
  return {dims, memory::data_type::f32, kTags[dims.size() - 3]};
}

class Resampling : public LocalContestant {
 public:
  Resampling(const Shape& input, const std::string& mode)
      : cpu_(dnnl::engine::kind::cpu, 0), stream_(cpu_), x_(numbers(input, kX)) {
    name_ = "oneDNN nhwc";
    Shape doubled = input;
    for (int64_t a = 1; a < input.rank() - 1; ++a) doubled[a] *= 2;
    y_ = Tensor(doubled);
    const auto algorithm = mode == "bilinear" ? dnnl::algorithm::resampling_linear
                                              : dnnl::algorithm::resampling_nearest;
    const memory::desc from = channels_last(input), to = channels_last(doubled);
    const dnnl::resampling_forward::desc desc(dnnl::prop_kind::forward_inference, algorithm, from,
                                              to);
    primitive_ = dnnl::resampling_forward(dnnl::resampling_forward::primitive_desc(desc, cpu_));
    arguments_ = {{DNNL_ARG_SRC, memory(from, cpu_, x_.data())},
                  {DNNL_ARG_DST, memory(to, cpu_, y_.data())}};
  }
  void run() override {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }
  Tensor output() override { return Tensor(y_.shape(), std::as_const(y_).values()); }

 private:
  dnnl::engine cpu_;
  dnnl::stream stream_;
  Tensor x_, y_;
  dnnl::resampling_forward primitive_;
  std::unordered_map<int, memory> arguments_;
};

}  // namespace

std::unique_ptr<Contestant> make_onednn_upsampling(const Shape& input, const std::string& mode) {
  return std::make_unique<Resampling>(input, mode);
}

}  // namespace cornu::bench
