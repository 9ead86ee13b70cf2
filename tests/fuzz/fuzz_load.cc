// A whole .keras archive, from end to end: loading it either works or throws one of the documented
// errors; what was loaded predicts, and can be saved and loaded again as the same, which predicts
// the same bits. The input is the archive's three members with the lengths of the first two before
// them, so that what the fuzzer changes is not lost to a wrong checksum.

#include <cstring>

#include "cornu/formats/keras_archive.h"
#include "cornu/formats/save.h"
#include "cornu/formats/zip_test_util.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/mutate.h"

namespace {

using namespace cornu;

struct Parts {
  std::string metadata, config, weights;
};

Parts parts_of(std::string_view text) {
  if (text.size() < 3) return {};
  const auto number = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(text[i])); };
  const size_t first = number(0), second = number(1) | number(2) << 8;
  text.remove_prefix(3);
  Parts parts{std::string(text.substr(0, first)), "", ""};
  text.remove_prefix(parts.metadata.size());
  parts.config = text.substr(0, second);
  parts.weights = text.substr(parts.config.size());
  return parts;
}

// One of the parts is changed, as what it is.
void change(fuzz::Mutation& m) {
  Parts parts = parts_of(m.text);
  const size_t which = m.draw(8);
  if (which == 0) m.json(&parts.metadata);
  if (which >= 1 && which <= 4) m.json(&parts.config);
  if (which >= 5) {
    m.bytes(&parts.weights);
    if (m.draw(4) != 0) fuzz::mend_hdf5(parts.weights);
  }
  const size_t first = std::min<size_t>(parts.metadata.size(), 0xff),
               second = std::min<size_t>(parts.config.size(), 0xffff);
  m.text = std::string(3, '\0') + parts.metadata.substr(0, first) + parts.config.substr(0, second) +
           parts.weights;
  fuzz::put_at(m.text, 0, first | second << 8, 3);
}

LoadResult load_bytes(const std::string& data) {
  return formats::load_keras_archive(
      base::Bytes::view(std::as_bytes(std::span(data.data(), data.size())), "input"));
}

// Of inputs that rise slowly; nothing where that is too much to ask of a model.
std::vector<Tensor> answers(const Model& model) {
  const model::Network& network = *model.network();
  if (!network.built() || model.count_params() > 1 << 16) return {};
  const auto shapes = fuzz::small_shapes(network);
  if (!shapes) return {};
  int64_t size = 0;
  for (const auto& call : network.steps())
    for (const Shape& shape : call->outputs) size += shape.size();
  for (const Shape& shape : *shapes) size += shape.size();
  if (size * std::max<int64_t>(model.count_params(), 64) > 1 << 22) return {};
  std::vector<Tensor> inputs;
  for (const Shape& shape : *shapes) {
    inputs.emplace_back(shape);
    for (int64_t i = 0; i < shape.size(); ++i)
      inputs.back().data()[i] = static_cast<float>(i % 17) / 8;
  }
  return model.predict(inputs);
}

void expect_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  fuzz::require(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    fuzz::require(a[i].shape() == b[i].shape());
    const auto bytes = static_cast<size_t>(a[i].size()) * sizeof(float);
    fuzz::require(bytes == 0 || std::memcmp(a[i].data(), b[i].data(), bytes) == 0);
  }
}

void save_again(const LoadResult& loaded) {
  std::string data;
  std::vector<Tensor> before;
  try {
    before = answers(loaded.model);
    data = formats::keras_archive(loaded.model).text();
  } catch (const OutOfMemory&) {  // weights that the file only declares
    return;
  } catch (const ValueError&) {  // a name with a NUL, a shape that fits no inputs
    return;
  }
  try {
    const LoadResult again = load_bytes(data);
    expect_equal(answers(again.model), before);
    fuzz::require(formats::keras_archive(again.model).text() == data);
  } catch (const Error&) {
    fuzz::require(false);
  }
}

void load(std::string_view text) {
  const Parts parts = parts_of(text);
  const std::string data = formats::testing_zip::make_zip({{"metadata.json", parts.metadata},
                                                           {"config.json", parts.config},
                                                           {"model.weights.h5", parts.weights}})
                               .data;
  try {
    save_again(load_bytes(data));
  } catch (const InternalError&) {
    fuzz::require(false);  // a fault of the library
  } catch (const FormatError&) {
    throw;
  } catch (const Error&) {
  }
}

}  // namespace

CORNU_FUZZ_MUTATOR(change)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { load(cornu::fuzz::text_of(data, size)); });
  return 0;
}
