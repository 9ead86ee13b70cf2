// Every kind of HDF5 file and zip that we write, read by those who read such files: h5py, Debian's
// h5dump, npm's h5wasm and jsfive, Python's zipfile and numpy. They must find the names, shapes and
// numbers that our own reader finds. Each test is skipped where its reader is not installed
// (scripts/install-deps.sh --test, scripts/fetch-node-packages.sh).

#include <gtest/gtest.h>

#include <map>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"
#include "tests/golden/golden_case.h"
#include "tests/support/hdf5_listing.h"
#include "tests/support/outside.h"
#include "tests/support/written.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;
using formats::testing_model::Folder;
using testing::node_modules;
using testing::Outcome;
using testing::python;
using testing::run_outside;

const std::string kHere = CORNU_SOURCE_DIR "/tests/formats_check/";

std::vector<Layer> awkward_layers() {
  std::vector<Layer> layers = {Input({.shape = {2}, .name = "in put"})};
  for (const std::string& name :
       {std::string(200, 'n'), std::string("层 ßé\xf0\x9f\x98\x80"), std::string("a\\b:c?*\"<>|"),
        std::string(".."), std::string(" ")})
    layers.push_back(Dense({.units = 2, .name = name}));
  return layers;
}

// Names that do not fit one attribute, links that do not fit one node.
std::vector<Layer> many_layers() {
  std::vector<Layer> layers = {Input({.shape = {1}})};
  for (int i = 0; i < 400; ++i)
    layers.push_back(Dense({.units = 1, .name = cat(std::string(190, 'n'), i)}));
  return layers;
}

// The files, written once for all tests, and what our reader finds in them.
class Files {
 public:
  static const Files& all() {
    static const Files files;
    return files;
  }
  std::string manifest() const { return folder_.path("manifest.json"); }
  size_t count() const { return listings_.size(); }

 private:
  Files() {
    for (const std::string& name : testing::golden_models()) {
      const Model model = load_model(testing::golden_model(name));
      if (name.starts_with("train_")) {
        std::map<std::string, Tensor> arrays;
        for (auto& [key, tensor] : load_npz(testing::kGoldenFolder + "cases/" + name + ".npz"))
          arrays.emplace(key, tensor);
        model.train_on_batch(arrays.at("x"), arrays.at("y"));
      }
      add(model, name);
    }
    add(Sequential(awkward_layers(), {.name = "模型 1"}), "awkward");
    add(Sequential(many_layers()), "many");
    folder_.write("manifest.json", Json::object(listings_).dump());
  }

  void add(const Model& model, const std::string& name) {
    const std::string archive = folder_.path(name + ".keras"), h5 = folder_.path(name + ".h5");
    model.save(h5);
    model.save(archive);
    list(h5);
    list(folder_.write(name + ".weights.h5",
                       formats::read_member(archive, "model.weights.h5").value()));
  }
  void list(const std::string& path) {
    const formats::Hdf5File file(base::read_file(path));
    listings_.emplace_back(path, testing::Hdf5Listing::of(file));
  }

  Folder folder_;
  std::vector<std::pair<std::string, Json>> listings_;
};

void expect_read(const std::string& command) {
  const Outcome r = run_outside(cat(command, " ", Files::all().manifest()));
  EXPECT_EQ(r.status, 0);
  EXPECT_TRUE(r.output.ends_with(", 0 complaints\n")) << r.output;
  EXPECT_TRUE(r.output.starts_with(cat(Files::all().count(), " files"))) << r.output;
}

TEST(OtherReaders, H5py) {
  if (python().empty()) GTEST_SKIP() << "no Python has h5py (Debian: python3-h5py)";
  expect_read(cat(python(), " ", kHere, "read_hdf5.py h5py"));
}

TEST(OtherReaders, H5dump) {
  if (python().empty() || run_outside("h5dump --version").status != 0)
    GTEST_SKIP() << "no h5dump (Debian: hdf5-tools)";
  expect_read(cat(python(), " ", kHere, "read_hdf5.py h5dump"));
}

class InNode : public ::testing::TestWithParam<const char*> {};

TEST_P(InNode, Reads) {
  if (!base::file_exists(cat(node_modules(), "/", GetParam(), "/package.json")))
    GTEST_SKIP() << "no " << GetParam() << " in " << node_modules();
  expect_read(cat("node ", kHere, "read_hdf5.mjs ", node_modules(), " ", GetParam()));
}

INSTANTIATE_TEST_SUITE_P(OtherReaders, InNode, ::testing::Values("h5wasm", "jsfive"),
                         [](const auto& parameter) { return parameter.param; });

// Archives of arrays. (Those of models: keras_files_test.cc.)
TEST(OtherReaders, Npz) {
  if (python().empty()) GTEST_SKIP() << "no Python has h5py (Debian: python3-h5py)";
  const Folder folder;
  const std::string path = folder.path("a.npz");
  save_npz(path,
           {{"a b", testing::ramp({2, 3})}, {"层", testing::ramp({})}, {"x y:0", Tensor({0})}});
  const Outcome r = run_outside(cat(python(),
                                    " -c 'import sys, zipfile, numpy\n"
                                    "print(zipfile.ZipFile(sys.argv[1]).testzip())\n"
                                    "for k, v in numpy.load(sys.argv[1]).items():\n"
                                    "  print(ascii(k), v.shape, v.dtype, v.ravel()[:2])' ",
                                    path));
  EXPECT_EQ(r.output,
            "None\n'a b' (2, 3) float32 [-1.   -0.26]\n'\\u5c42' () float32 [-1.]\n"
            "'x y:0' (0,) float32 []\n");
}

}  // namespace
}  // namespace cornu
