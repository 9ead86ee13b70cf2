#include "cornu/train/callback.h"

#include <algorithm>

#include "cornu/base/error.h"

namespace cornu {
namespace {

template <class T>
T& lent(T* pointer) {
  if (pointer == nullptr)
    throw StateError("A callback has a model only while fit() or evaluate() runs.");
  return *pointer;
}

}  // namespace

std::string train::user_warning(const std::string& text) { return "UserWarning: " + text + "\n"; }

Model& Callback::model() const { return lent(context_.model); }
Optimizer& Callback::optimizer() const { return lent(context_.optimizer); }

void Callback::request_stop() const {
  if (context_.stop) context_.stop();
}

void Callback::print(const std::string& text) const {
  if (context_.print) context_.print(text);
}

void Callback::warn(const std::string& text) {
  if (std::find(warned_.begin(), warned_.end(), text) != warned_.end()) return;
  warned_.push_back(text);
  print(train::user_warning(text));
}

}  // namespace cornu
