#include "cornu/kernels/cpu.h"

#include <cstdlib>
#include <mutex>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

#ifdef CORNU_NO_KERNELS

namespace cornu {

std::vector<std::string> cpu_targets() { return {"reference"}; }
std::string cpu_target() { return "reference"; }
void set_cpu_target(std::string_view name) {
  if (name != "reference")
    throw ValueError(base::cat("`name` must be reference, as this library was built without fast ",
                               "kernels. Received: name=", base::quoted(name)));
}

}  // namespace cornu

#else

#include "cornu/kernels/targets.h"

namespace cornu {
namespace {

std::string name_of(int64_t target) {
  switch (target) {
    case HWY_AVX3:
      return "avx512";
    case HWY_EMU128:
      return "portable";
    default:
      return base::lower(hwy::TargetName(target));
  }
}

std::string names() {
  std::string all;
  for (const std::string& name : cpu_targets()) all += (all.empty() ? "" : ", ") + name;
  return all;
}

struct Choice {
  std::mutex mutex;
  int64_t target = 0;
  hwy::ChosenTarget chosen;

  void set(std::string_view name, const char* what) {
    for (int64_t t : hwy::SupportedAndGeneratedTargets())
      if (name_of(t) == name) return set(t);
    throw ValueError(base::cat("`", what, "` must be one of ", names(), ". Received: ", what, "=",
                               base::quoted(name)));
  }

 private:
  friend Choice& choice();
  Choice() {
    const char* name = std::getenv("CORNU_CPU");
    if (name && *name)
      set(name, "CORNU_CPU");
    else
      set(hwy::SupportedAndGeneratedTargets().front());
  }
  void set(int64_t t) {
    const std::lock_guard lock(mutex);
    target = t;
    chosen.Update(t);
  }
};

Choice& choice() {
  static Choice only;
  return only;
}

}  // namespace

std::vector<std::string> cpu_targets() {
  std::vector<std::string> all;
  for (int64_t t : hwy::SupportedAndGeneratedTargets()) all.push_back(name_of(t));
  return all;
}

std::string cpu_target() {
  Choice& c = choice();
  const std::lock_guard lock(c.mutex);
  return name_of(c.target);
}

void set_cpu_target(std::string_view name) { choice().set(name, "name"); }

namespace kernels {
const hwy::ChosenTarget& chosen_target() { return choice().chosen; }
}  // namespace kernels

}  // namespace cornu

#endif
