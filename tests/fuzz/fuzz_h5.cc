// A whole model in HDF5: loading it either works or throws one of the documented errors, and what
// was loaded can be saved and loaded again as the same.

#include "cornu/formats/legacy_h5.h"
#include "cornu/formats/legacy_h5_writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/mutate.h"

namespace {

using namespace cornu;

void save_again(const LoadResult& loaded) {
  std::string data;
  try {
    data = formats::legacy_model(*loaded.model.network()).text();
  } catch (const OutOfMemory&) {  // weights that the file only declares
    return;
  } catch (const ValueError&) {  // a name with a NUL
    return;
  }
  try {
    const LoadResult again = formats::load_legacy_model(
        base::Bytes::view(std::as_bytes(std::span(data.data(), data.size())), "saved"));
    fuzz::require(formats::legacy_model(*again.model.network()).text() == data);
  } catch (const Error&) {
    fuzz::require(false);
  }
}

}  // namespace

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) {
  m.bytes(&m.text);
  if (m.draw(4) != 0) cornu::fuzz::mend_hdf5(m.text);
})

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    try {
      save_again(cornu::formats::load_legacy_model(cornu::fuzz::bytes_of(data, size)));
    } catch (const InternalError&) {
      cornu::fuzz::require(false);  // a fault of the library
    } catch (const FormatError&) {
      throw;
    } catch (const Error&) {
    }
  });
  return 0;
}
