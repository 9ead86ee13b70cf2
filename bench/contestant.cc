#include "bench/contestant.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "cornu/base/text.h"

namespace cornu::bench {

double LocalContestant::time(int64_t count, Clock clock) {
  run();
  const double start = seconds(clock);
  for (int64_t i = 0; i < count; ++i) run();
  return (seconds(clock) - start) / static_cast<double>(count);
}

double LocalContestant::difference(const Tensor& truth) {
  const Tensor mine = output();
  if (mine.shape() != truth.shape()) return std::numeric_limits<double>::quiet_NaN();
  double largest = 0, squares = 0;
  for (int64_t i = 0; i < truth.size(); ++i) {
    const double expected = truth.data()[i], distance = std::abs(mine.data()[i] - expected);
    if (!(distance <= largest)) largest = distance;  // a NaN stays
    squares += expected * expected;
  }
  return largest / std::sqrt(squares / static_cast<double>(truth.size()));
}

Child::Child(std::string name, const std::string& command) : name_(std::move(name)) {
  int in[2], out[2];
  // Other children must not hold them open.
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
}

Child::~Child() {
  close(to_);  // it ends with its input
  close(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string Child::ask(const std::string& line) {
  const std::string text = line + "\n";
  bool alive = write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  std::string answer;
  for (char c = 0; alive && (alive = read(from_, &c, 1) == 1) && c != '\n';) answer += c;
  if (!alive) throw std::runtime_error(name_ + " does not answer");
  return answer;
}

namespace {

class Remote : public Contestant {
 public:
  Remote(Child& child, std::string detail, bool network) : child_(child), network_(network) {
    name_ = child.name();
    detail_ = std::move(detail);
  }
  double time(int64_t count, Clock clock) override {
    return std::stod(
        child_.ask(base::cat("time ", count, clock == Clock::kWall ? " wall" : " cpu")));
  }
  // By the sums alone, in means of the truth's sizes. Those of a softmax are 1 whatever it says: a
  // network's results have weights.
  double difference(const Tensor& truth) override {
    double sum = 0, size = 0, its_sum = 0, its_size = 0;
    const Tensor weights =
        network_ ? numbers(truth.shape(), kWeights) : Tensor::full(truth.shape(), 1);
    for (int64_t i = 0; i < truth.size(); ++i) {
      sum += static_cast<double>(truth.data()[i]) * weights.data()[i];
      size += std::abs(truth.data()[i]);
    }
    std::istringstream(child_.ask(network_ ? "weighted sums" : "sums")) >> its_sum >> its_size;
    return std::max(std::abs(its_sum - sum), std::abs(its_size - size)) / size;
  }

 private:
  Child& child_;
  bool network_;
};

}  // namespace

std::unique_ptr<Contestant> make_remote(Child& child, const base::Json& workload,
                                        std::string& why) {
  const std::string answer = child.ask(workload.dump());
  if (!answer.starts_with("ok")) {
    why = answer.starts_with("no ") ? answer.substr(3) : answer;
    return nullptr;
  }
  const std::string_view kind = workload.at("kind").as_string();
  return std::make_unique<Remote>(child, answer.size() > 3 ? answer.substr(3) : "",
                                  kind == "model" || kind == "step");
}

}  // namespace cornu::bench
