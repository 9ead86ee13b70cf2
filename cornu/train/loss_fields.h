#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cornu/nn/field_reader.h"

// Options of losses and metrics by their names in files.
namespace cornu::train {

// An option: a member of the struct S of all options.
template <class S>
struct Field {
  const char* key;
  std::variant<bool S::*, int64_t S::*, double S::*, std::string S::*, std::optional<int64_t> S::*,
               std::optional<double> S::*, std::optional<std::string> S::*,
               std::vector<int64_t> S::*, std::vector<double> S::*>
      member;
  bool written_by_default = true;  // false: not where it has its default, for older Keras
};

inline void read_field(nn::FieldReader& fields, const char* key, bool& field) {
  const auto v = fields.take(key);
  if (!v) return;
  if (!v->is_bool()) fields.bad(key, "true or false", *v);
  field = v->as_bool();
}
inline void read_field(nn::FieldReader& fields, const char* key, int64_t& field) {
  const auto v = fields.take(key);
  if (!v) return;
  if (!v->is_int()) fields.bad(key, "an integer", *v);
  field = v->as_int();
}
// null, or a list; one number is a list of one.
inline void read_field(nn::FieldReader& fields, const char* key, std::vector<double>& field) {
  const auto v = fields.take(key);
  if (!v) return;
  field.clear();
  const base::Json list = nn::unwrapped(*v);
  const auto push = [&](const base::Json& number) {
    if (!number.is_finite()) fields.bad(key, "a finite number or a list of them", *v);
    field.push_back(number.as_double());
  };
  if (list.is_null()) return;
  if (!list.is_array()) return push(list);
  for (const base::Json& number : list.elements()) push(number);
}
void read_field(nn::FieldReader& fields, const char* key, auto& field) { fields.read(key, field); }
// Or null.
template <class T>
void read_field(nn::FieldReader& fields, const char* key, std::optional<T>& field) {
  const auto v = fields.take(key);
  if (!v) return;
  field.reset();
  if (!v->is_null()) read_field(fields, key, field.emplace());
}

template <class S>
void read_fields(nn::FieldReader& fields, const std::vector<Field<S>>& all, S& s) {
  for (const Field<S>& field : all)
    std::visit([&](auto member) { read_field(fields, field.key, s.*member); }, field.member);
}

template <class T>
base::Json field_config(const T& value) {
  return value;
}
template <class T>
base::Json field_config(const std::vector<T>& value) {
  return value.empty() ? base::Json() : base::Json::list(value);
}

template <class S>
void write_fields(const std::vector<Field<S>>& all, const S& s,
                  std::vector<std::pair<std::string, base::Json>>& items) {
  for (const Field<S>& field : all)
    std::visit(
        [&](auto member) {
          if (field.written_by_default || s.*member != S{}.*member)
            items.emplace_back(field.key, field_config(s.*member));
        },
        field.member);
}

}  // namespace cornu::train
