#include "cornu/train/history.h"

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu {

using base::Json;

namespace {

template <class Histories>
auto* find_values(Histories& history, std::string_view name) {
  for (auto& [key, values] : history) {
    if (key == name) return &values;
  }
  return static_cast<decltype(&history.front().second)>(nullptr);
}

Json values_by_name(const History& h) {
  std::vector<std::pair<std::string, Json>> items;
  for (const auto& [name, values] : h.history) items.emplace_back(name, Json::list(values));
  return Json::object(items);
}

}  // namespace

bool History::contains(std::string_view name) const {
  return find_values(history, name) != nullptr;
}

const std::vector<double>& History::operator[](std::string_view name) const {
  if (const auto* values = find_values(history, name)) return *values;
  std::string names;
  for (const auto& item : history) {
    names += (names.empty() ? "" : ", ") + base::quoted(item.first);
  }
  throw ValueError(base::cat("The history has no values named ", base::quoted(name),
                             ". Available: [", names, "]."));
}

void History::add(int64_t epoch_number, const Logs& logs) {
  epoch.push_back(epoch_number);
  for (const auto& [name, value] : logs) {
    if (auto* values = find_values(history, name)) {
      values->push_back(value);
    } else {
      history.push_back({name, {value}});
    }
  }
}

std::string History::json() const { return values_by_name(*this).dump(); }

Json History::state() const {
  return Json::object({{"history", values_by_name(*this)}, {"epoch", Json::list(epoch)}});
}

History History::from_state(const Json& state) {
  History h;
  for (auto [name, values] : state.at("history").items()) {
    auto& list = h.history.emplace_back(std::string(name), std::vector<double>{}).second;
    for (Json value : values.elements()) list.push_back(value.as_double());
  }
  for (Json number : state.at("epoch").elements()) h.epoch.push_back(number.as_int());
  return h;
}

}  // namespace cornu
