#pragma once

// The kernels of table(), each in the file of its name.

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

// Conv and ConvTranspose of up to three spatial axes.
extern const Kernel kConvDirect;
// The same, where Winograd's transforms save multiplications and time: taps side by side, of
// channels enough.
extern const Kernel kConvWinograd;
// The same of up to two axes, of a few output channels.
extern const Kernel kConvDot;
extern const Kernel kConvFew;
// Conv and ConvTranspose of up to three spatial axes, of many groups: with one input channel and
// any multiplier, or with fewer filters than a vector has lanes.
extern const Kernel kDepthwise;
// ConvFilterGrad of up to three spatial axes; of convolutions as kDepthwise takes them.
extern const Kernel kConvFilterGrad, kDepthwiseFilterGrad;
// ConvFilterGrad of two or three taps side by side on one or two axes, with channels enough.
extern const Kernel kFilterGradWinograd;

// elementwise.cc. Binary and Broadcast take operands that repeat along one stretch of axes.
extern const Kernel kUnary, kUnaryGrad, kBinary, kBroadcast;

// reduce.cc, batch_norm.cc. Reduce takes up to two separate stretches of axes.
extern const Kernel kReduce, kMoments, kBatchNormSums, kBatchNorm, kBatchNormGrad;

extern const Kernel kMatMul;
// softmax.cc. Not sparsemax.
extern const Kernel kSoftmax, kSoftmaxGrad;
extern const Kernel kRandom;

// movement.cc
extern const Kernel kConcat, kPad, kTranspose, kOneHot;

// pool.cc, resize.cc, resize_weighted.cc: up to three spatial axes.
extern const Kernel kPool, kPoolGrad, kResizeNearest, kResize, kResizeGrad;

// Kernel::takes_pitch of kernels whose first operand and result may have one.
inline bool takes_first_and_result(const Problem& problem, size_t i) {
  return i == 0 || i == problem.in.size();
}

// A problem made ready without packing any operand.
template <class State>
Prepared prepared_with(State state, RunFn run, const Problem& problem) {
  Prepared p;
  p.run = run;
  p.state = std::make_shared<const State>(std::move(state));
  p.packed.assign(problem.in.size(), false);
  return p;
}

}  // namespace cornu::kernels
