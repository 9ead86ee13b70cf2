// oneDNN 2.x.

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "bench/contestant.h"
#include "cornu/base/text.h"

namespace cornu::bench {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Kind = Workload::Kind;
using Tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;

enum class Setting { kNhwc, kAny, kWinograd };

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// oneDNN names axes (N, C, *n) and (groups, O, I, *k) whatever their order in memory.
memory::desc channels_last(const Shape& x) {
  Dims dims{x[0], x[-1]}, strides{x.size() / x[0], 1};
  int64_t stride = x.size() / x[0];
  for (int64_t a = 1; a + 1 < x.rank(); ++a) {
    stride /= x[a];
    dims.push_back(x[a]);
    strides.push_back(stride);
  }
  return {dims, kFloat, strides};
}

// Keras's (*k, in, out); of a transposed convolution (*k, out, in).
memory::desc kernel_desc(const Shape& kernel, int64_t groups, bool transposed) {
  const int64_t rows = kernel[-2], columns = kernel[-1];
  Dims dims{columns / groups, rows}, strides{1, columns};
  if (transposed) dims = {rows, columns}, strides = {columns, 1};
  if (groups > 1) {
    dims.insert(dims.begin(), groups);
    strides.insert(strides.begin(), columns / groups);
  }
  int64_t stride = kernel.size();
  for (int64_t a = 0; a + 2 < kernel.rank(); ++a) {
    stride /= kernel[a];
    dims.push_back(kernel[a]);
    strides.push_back(stride);
  }
  return {dims, kFloat, strides};
}

memory::desc any(const memory::desc& plain) { return {plain.dims(), kFloat, Tag::any}; }

// What every convolution of a workload needs.
struct Window {
  explicit Window(const Workload& w)
      : stride(w.n.size(), w.stride), dilation(w.n.size(), w.dilation - 1) {
    for (size_t a = 0; a < w.n.size(); ++a) {
      before.push_back(w.edge(a).before);
      after.push_back(w.edge(a).after);
    }
  }
  Dims stride, dilation, before, after;
};

class OneDnn : public LocalContestant {
 public:
  // Throws dnnl::error where oneDNN does not take it.
  OneDnn(const Workload& w, Setting setting)
      : w_(w), window_(w), setting_(setting), stream_(engine()) {
    constexpr const char* kNames[] = {"nhwc", "any", "winograd"};
    name_ = std::string("oneDNN ") + kNames[static_cast<int>(setting)];
    switch (w.kind) {
      case Kind::kTransposed:
        transposed();
        break;
      case Kind::kInputGrad:
        input_gradient();
        break;
      case Kind::kFilterGrad:
        kernel_gradient();
        break;
      case Kind::kSeparable:
        separable();
        break;
      case Kind::kUpsampled:
        upsampled();
        break;
      default:
        plain();
    }
    stream_.wait();
  }

  Tensor output() override {
    Tensor t(result_shape_);
    memory plain(result_desc_, engine(), t.data());
    dnnl::reorder(result_, plain).execute(stream_, result_, plain);
    stream_.wait();
    return t;
  }

 protected:
  void run() override {
    for (auto& [primitive, arguments] : steps_) primitive.execute(stream_, arguments);
    stream_.wait();
  }

 private:
  using Arguments = std::unordered_map<int, memory>;

  dnnl::algorithm algorithm() const {
    return setting_ == Setting::kWinograd ? dnnl::algorithm::convolution_winograd
                                          : dnnl::algorithm::convolution_direct;
  }
  memory::desc choose(const memory::desc& plain) const {
    return setting_ == Setting::kNhwc ? plain : any(plain);
  }

  // Memory of this layout that holds the numbers.
  memory filled(const memory::desc& desc, const memory::desc& plain, Tensor values) {
    memory from(plain, engine(), values.data()), to(desc, engine());
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }
  memory result(const memory::desc& desc, const memory::desc& plain, const Shape& shape) {
    result_desc_ = plain;
    result_shape_ = shape;
    return result_ = memory(desc, engine());
  }
  template <class PrimitiveDesc>
  void add_step(const PrimitiveDesc& desc, const dnnl::primitive& primitive, Arguments arguments) {
    detail_ += (detail_.empty() ? "" : ", ") + std::string(desc.impl_info_str());
    steps_.emplace_back(primitive, std::move(arguments));
  }

  memory bias() {
    const memory::desc desc({w_.filters}, kFloat, Tag::x);
    return filled(desc, desc, bias_numbers(w_));
  }
  static dnnl::primitive_attr relu() {
    dnnl::post_ops ops;
    ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    return attributes;
  }

  using Forward = dnnl::convolution_forward;
  // The last convolution, with bias and relu. The source is in this layout, `any` chooses.
  Forward::primitive_desc last_conv(const memory::desc& x, const Window& window,
                                    const Shape& kernel) {
    const memory::desc y = channels_last(w_.output());
    const memory::desc b({w_.filters}, kFloat, Tag::any);
    return {Forward::desc(dnnl::prop_kind::forward_inference, algorithm(), x,
                          any(kernel_desc(kernel, w_.groups, false)), b, choose(y), window.stride,
                          window.dilation, window.before, window.after),
            relu(), engine()};
  }
  void add_last_conv(const Forward::primitive_desc& desc, const memory& x, const Shape& kernel,
                     Tensor values) {
    const memory weights =
        filled(desc.weights_desc(), kernel_desc(kernel, w_.groups, false), std::move(values));
    add_step(desc, Forward(desc),
             {{DNNL_ARG_SRC, x},
              {DNNL_ARG_WEIGHTS, weights},
              {DNNL_ARG_BIAS, bias()},
              {DNNL_ARG_DST, result(desc.dst_desc(), channels_last(w_.output()), w_.output())}});
  }
  Tensor forward_kernel() const {
    return kernel_numbers(w_.kernel(), kKernel, Shape(w_.k).size() * w_.channels / w_.groups);
  }

  void plain() {
    const memory::desc x = channels_last(w_.input());
    const Forward::primitive_desc desc = last_conv(choose(x), window_, w_.kernel());
    add_last_conv(desc, filled(desc.src_desc(), x, numbers(w_.input(), kX)), w_.kernel(),
                  forward_kernel());
  }

  void upsampled() {
    Shape twice = w_.input();
    for (int64_t a = 1; a + 1 < twice.rank(); ++a) twice[a] *= 2;
    const memory::desc plain = channels_last(w_.input()), plain_twice = channels_last(twice);
    const bool blocked = setting_ != Setting::kNhwc;
    const memory::desc x = blocked ? memory::desc(plain.dims(), kFloat, Tag::nChw16c) : plain;
    const memory::desc x2 =
        blocked ? memory::desc(plain_twice.dims(), kFloat, Tag::nChw16c) : plain_twice;
    const Forward::primitive_desc conv = last_conv(x2, window_, w_.kernel());
    using Resize = dnnl::resampling_forward;
    const Resize::primitive_desc resize(Resize::desc(dnnl::prop_kind::forward_inference,
                                                     dnnl::algorithm::resampling_nearest, x, x2),
                                        engine());
    const memory middle(x2, engine());
    add_step(resize, Resize(resize),
             {{DNNL_ARG_SRC, filled(x, plain, numbers(w_.input(), kX))}, {DNNL_ARG_DST, middle}});
    add_last_conv(conv, middle, w_.kernel(), forward_kernel());
  }

  void separable() {
    const int64_t c = w_.channels;
    Shape kernel(w_.k), middle_shape = w_.output();
    kernel.push_back(1);
    kernel.push_back(c);
    middle_shape[-1] = c;
    const memory::desc x = channels_last(w_.input()), k = kernel_desc(kernel, c, false);
    const Forward::primitive_desc depthwise(
        Forward::desc(dnnl::prop_kind::forward_inference, algorithm(), choose(x), any(k),
                      choose(channels_last(middle_shape)), window_.stride, window_.dilation,
                      window_.before, window_.after),
        engine());
    const memory middle(depthwise.dst_desc(), engine());
    add_step(depthwise, Forward(depthwise),
             {{DNNL_ARG_SRC, filled(depthwise.src_desc(), x, numbers(w_.input(), kX))},
              {DNNL_ARG_WEIGHTS, filled(depthwise.weights_desc(), k,
                                        kernel_numbers(kernel, kKernel, w_.k[0] * w_.k[1]))},
              {DNNL_ARG_DST, middle}});
    const Shape pointwise{1, 1, c, w_.filters};
    Window one = window_;
    for (Dims* list : {&one.dilation, &one.before, &one.after}) list->assign(2, 0);
    one.stride.assign(2, 1);
    add_last_conv(last_conv(depthwise.dst_desc(), one, pointwise), middle, pointwise,
                  kernel_numbers(pointwise, kPointwise, c));
  }

  void transposed() {
    using Deconv = dnnl::deconvolution_forward;
    const memory::desc x = channels_last(w_.input()), y = channels_last(w_.output()),
                       k = kernel_desc(w_.kernel(), w_.groups, true);
    const auto how = setting_ == Setting::kWinograd ? dnnl::algorithm::deconvolution_winograd
                                                    : dnnl::algorithm::deconvolution_direct;
    const Deconv::primitive_desc desc(
        Deconv::desc(dnnl::prop_kind::forward_inference, how, choose(x), any(k), choose(y),
                     window_.stride, window_.dilation, window_.before, window_.after),
        engine());
    add_step(desc, Deconv(desc),
             {{DNNL_ARG_SRC, filled(desc.src_desc(), x, numbers(w_.input(), kX))},
              {DNNL_ARG_WEIGHTS, filled(desc.weights_desc(), k, forward_kernel())},
              {DNNL_ARG_DST, result(desc.dst_desc(), y, w_.output())}});
  }

  // Gradients ask for the forward pass they belong to.
  Forward::primitive_desc hint() const {
    return {Forward::desc(
                dnnl::prop_kind::forward_training, algorithm(), any(channels_last(w_.input())),
                any(kernel_desc(w_.kernel(), w_.groups, false)), any(channels_last(w_.output())),
                window_.stride, window_.dilation, window_.before, window_.after),
            engine()};
  }

  void input_gradient() {
    using Backward = dnnl::convolution_backward_data;
    const memory::desc dx = channels_last(w_.input()), dy = channels_last(w_.output()),
                       k = kernel_desc(w_.kernel(), w_.groups, false);
    const Backward::primitive_desc desc(
        Backward::desc(algorithm(), choose(dx), any(k), choose(dy), window_.stride,
                       window_.dilation, window_.before, window_.after),
        engine(), hint());
    const int64_t summed = Shape(w_.k).size() * w_.filters / w_.groups;
    add_step(
        desc, Backward(desc),
        {{DNNL_ARG_DIFF_DST, filled(desc.diff_dst_desc(), dy, numbers(w_.output(), kGradient))},
         {DNNL_ARG_WEIGHTS,
          filled(desc.weights_desc(), k, kernel_numbers(w_.kernel(), kKernel, summed))},
         {DNNL_ARG_DIFF_SRC, result(desc.diff_src_desc(), dx, w_.input())}});
  }

  void kernel_gradient() {
    using Backward = dnnl::convolution_backward_weights;
    const memory::desc x = channels_last(w_.input()), dy = channels_last(w_.output()),
                       k = kernel_desc(w_.kernel(), w_.groups, false);
    const Backward::primitive_desc desc(
        Backward::desc(algorithm(), choose(x), any(k), choose(dy), window_.stride, window_.dilation,
                       window_.before, window_.after),
        engine(), hint());
    add_step(
        desc, Backward(desc),
        {{DNNL_ARG_SRC, filled(desc.src_desc(), x, numbers(w_.input(), kX))},
         {DNNL_ARG_DIFF_DST, filled(desc.diff_dst_desc(), dy, numbers(w_.output(), kGradient))},
         {DNNL_ARG_DIFF_WEIGHTS, result(desc.diff_weights_desc(), k, w_.kernel())}});
  }

  const Workload w_;
  const Window window_;
  const Setting setting_;
  dnnl::stream stream_;
  std::vector<std::pair<dnnl::primitive, Arguments>> steps_;
  memory result_;
  memory::desc result_desc_;
  Shape result_shape_;
};

}  // namespace

std::vector<std::unique_ptr<Contestant>> make_onednn(const Workload& w) {
  std::vector<std::unique_ptr<Contestant>> all;
  for (Setting setting : {Setting::kNhwc, Setting::kAny, Setting::kWinograd}) try {
      all.push_back(std::make_unique<OneDnn>(w, setting));
    } catch (const dnnl::error&) {  // it has no such algorithm
    }
  return all;
}

std::string start_onednn(int threads) {
  omp_set_num_threads(threads);
  const dnnl_version_t* v = dnnl_version();
  return base::cat("oneDNN ", v->major, ".", v->minor, ".", v->patch);
}

}  // namespace cornu::bench
