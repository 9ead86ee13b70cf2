#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/workloads.h"

namespace cornu::bench {

// A library made ready to run one workload.
class Contestant {
 public:
  virtual ~Contestant() = default;
  const std::string& name() const { return name_; }
  const std::string& detail() const { return detail_; }  // which of its algorithms
  // Seconds that each of `count` runs in a row takes, after one that is not counted.
  virtual double time(int64_t count, Clock clock) = 0;
  // How far the results of the last run are from these, which are laid out as Cornu does it: NaN
  // where they are none.
  virtual double difference(const Tensor& truth) = 0;

 protected:
  std::string name_, detail_;
};

// One inside this process.
class LocalContestant : public Contestant {
 public:
  double time(int64_t count, Clock clock) override;
  // The largest difference of two numbers, in root mean squares of the truth.
  double difference(const Tensor& truth) override;
  virtual Tensor output() = 0;

 protected:
  virtual void run() = 0;
};

// Through a compiled plan, as Model::predict() runs it.
std::unique_ptr<LocalContestant> make_cornu(const Workload& w, int threads);

// One per setting that oneDNN accepts: "oneDNN nhwc" with plain channels-last tensors, "oneDNN any"
// with its own layouts, "oneDNN winograd" with that algorithm asked for. Kernels are reordered
// beforehand, tensors given and taken in its layout.
std::vector<std::unique_ptr<Contestant>> make_onednn(const Workload& w);
// Doubling every axis of (N, *n, C), "nearest" or "bilinear".
std::unique_ptr<Contestant> make_onednn_upsampling(const Shape& input, const std::string& mode);
// Its version; and sets how many threads it may use.
std::string start_onednn(int threads);

// A library of another language, in a process that answers line by line:
//   what is written                 what is read
//   "version"                       "PyTorch 1.13.1"
//   a workload as JSON              "ok", the algorithm after it, or "no", the reason after it
//     (a network: with the path of its ONNX file and of its layers-model, or why there is none; its
//     input is numbers(…, kX))
//   "time 12 cpu" (or "wall")       seconds that each of 12 runs takes
//   "sums"                          the sum of the results and that of their sizes
//   "weighted sums"                 the same, result i (channels last) times number i of seed
//                                   kWeights in the first; only networks are asked for it
class Child {
 public:
  // Runs the command in a shell. Throws std::runtime_error where it does not answer.
  Child(std::string name, const std::string& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  std::string ask(const std::string& line);
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  int to_ = -1, from_ = -1, pid_ = -1;
};
// Null where it does not take the workload, and the reason in `why`.
std::unique_ptr<Contestant> make_remote(Child& child, const base::Json& workload, std::string& why);

}  // namespace cornu::bench
