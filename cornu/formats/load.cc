#include "cornu/formats/load.h"

#include <new>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_archive.h"
#include "cornu/formats/tfjs_model.h"
#include "cornu/formats/zip.h"

namespace cornu {
namespace {

bool is_json(const base::Bytes& bytes) {
  for (uint64_t i = 0; i < std::min<uint64_t>(bytes.size(), 64); ++i) {
    const uint8_t c = bytes.u8(i, "the first character");
    if (c == '{') return true;
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return false;
}

LoadResult load_any(const std::string& path) {
  const base::Bytes bytes = base::read_file(path);
  if (formats::is_zip(bytes)) return formats::load_keras_archive(bytes);
  if (formats::is_hdf5(bytes))
    throw FormatError(base::cat(path,
                                ": an HDF5 model (.h5) is not read yet; save it from Keras as "
                                ".keras"));
  if (is_json(bytes)) return formats::load_tfjs_model(bytes, path);
  throw FormatError(base::cat(path,
                              ": this is no model: neither a .keras archive nor the "
                              "model.json of a TensorFlow.js layers-model"));
}

}  // namespace

LoadResult load(const std::string& path) {
  try {
    return load_any(path);
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(base::cat(path, ": there is not enough memory to load this model"));
  }
}

Model load_model(const std::string& path) { return load(path).model; }

}  // namespace cornu
