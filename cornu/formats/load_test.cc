#include "cornu/formats/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/formats/model_test_util.h"

namespace cornu {
namespace {

using namespace formats::testing_model;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kConfig = sequential({dense("a")}, ", 'build_input_shape': [null, 4]");
std::string good_archive() {
  return keras_archive(kConfig, WeightFile().dense("layers/dense", 3, 2).data());
}
// model.json for kConfig with the weights in `path`.
std::string tfjs(const std::string& path) {
  return json(cat("{'modelTopology': {'model_config': ", kConfig,
                  "}, 'weightsManifest': [{'paths': ['", path,
                  "'], 'weights': [{'name': 'a/kernel', 'shape': [4, 3], 'dtype': 'float32'},"
                  "{'name': 'a/bias', 'shape': [3], 'dtype': 'float32'}]}]}"));
}

// The kind of error and its text.
std::string error(const std::string& path) {
  try {
    load(path);
  } catch (const IoError& e) {
    return cat("IoError ", e.what());
  } catch (const FormatError& e) {
    return cat("FormatError ", e.what());
  } catch (const ValueError& e) {
    return cat("ValueError ", e.what());
  }
  return "no error";
}

TEST(LoadTest, ContentTellsWhatAFileIsNotItsName) {
  const Folder folder;
  folder.write("shard", floats(15, 2.0f));
  for (const std::string& path :
       {folder.write("m.h5", good_archive()), folder.write("m.json", good_archive()),
        folder.write("model.keras", tfjs("shard")), folder.write("m", " \r\n\t" + tfjs("shard"))}) {
    const LoadResult loaded = load(path);
    EXPECT_EQ(loaded.model.get_weights()[0].values()[0], 2) << path;
    EXPECT_TRUE(loaded.warnings.empty());
  }
  EXPECT_EQ(load(folder.path("m.h5")).keras_version, "3.8.0");
  EXPECT_THAT(error(folder.write("old.keras", WeightFile().data())),
              AllOf(HasSubstr("FormatError"), HasSubstr("this HDF5 file holds no model")));
}

TEST(LoadTest, EveryErrorNamesTheFile) {
  const Folder folder;
  folder.write("short", "1234");
  std::filesystem::create_directory(folder.path("folder"));
  std::string damaged = good_archive();
  damaged[damaged.find("class_name")] ^= 1;
  const std::string weights = WeightFile().dense("layers/dense").data();
  for (const auto& [path, kind, fragment] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {folder.path("none"), "IoError", "No such file"},
           {folder.path("folder"), "IoError", "model.weights.h5"},
           {folder.write("empty", ""), "FormatError", "this is no model"},
           {folder.write("blank", "   "), "FormatError", "this is no model"},
           {folder.write("text", "hello {"), "FormatError", "this is no model"},
           {folder.write("list", "[1]"), "FormatError", "this is no model"},
           {folder.write("object", "{}"), "FormatError", "which has \"modelTopology\""},
           {folder.write("cut", "{\"modelTopology\": "), "FormatError", ""},
           {folder.write("shards", tfjs("short")), "FormatError", ""},
           {folder.write("damaged", damaged), "FormatError", "config.json"},
           {folder.write("stump", good_archive().substr(0, 300)), "FormatError", ""},
           {folder.write("layer", keras_archive(sequential({dense("a", "", 0)}), weights)),
            "ValueError", "Dense 'a': `units` must be positive"},
           {folder.write("config", keras_archive("{}", weights)), "FormatError", "class_name"},
           {folder.write("hdf5", keras_archive(kConfig, "no")), "FormatError", ""},
           {folder.write("weights", keras_archive(kConfig, WeightFile().data())), "FormatError",
            "no weights for layer 'a'"},
           {folder.write("zip", formats::testing_zip::make_zip({{"a", "b"}}).data), "FormatError",
            "must hold metadata.json"},
           {folder.write("npz", formats::testing_zip::make_zip({{"metadata.json", "{}"},
                                                                {"config.json", json(kConfig)},
                                                                {"model.weights.npz", ""}})
                                    .data),
            "FormatError", "model.weights.npz is not read"},
       }) {
    const std::string text = error(path);
    EXPECT_THAT(text, ::testing::StartsWith(kind)) << path;
    EXPECT_THAT(text, HasSubstr(fragment)) << path;
    // Weight files of TF.js are named themselves.
    EXPECT_THAT(text, HasSubstr(path.ends_with("shards") ? "shard" : path));
  }
}

TEST(LoadTest, WeightFilesAreNotFollowedElsewhere) {
  const Folder folder;
  const std::string outside = folder.write("outside", floats(15));
  std::filesystem::create_directory(folder.path("model"));
  const auto model = [&](const std::string& path) {
    return error(folder.write("model/model.json", tfjs(path)));
  };
  std::filesystem::create_symlink(outside, folder.path("model/link"));
  std::filesystem::create_directory(folder.path("model/sub"));
  folder.write("model/sub/shard", floats(15));
  EXPECT_THAT(model("link"), AllOf(HasSubstr("IoError"), HasSubstr("links are not followed")));
  EXPECT_THAT(model("sub"), AllOf(HasSubstr("IoError"), HasSubstr("it is a directory")));
  for (const char* path : {"../outside", "sub/shard", "/etc/passwd", "..", "", "a\\\\b", "c:d"})
    EXPECT_THAT(model(path), AllOf(HasSubstr("FormatError"), HasSubstr("plain file name"))) << path;
  EXPECT_THAT(model("none"), AllOf(HasSubstr("IoError"), HasSubstr("model/none")));
  folder.write("model/good", floats(15));
  EXPECT_EQ(model("good"), "no error");
}

}  // namespace
}  // namespace cornu
