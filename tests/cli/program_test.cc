// The program from outside: what it prints, where, and how it ends.

#include "tests/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/image/image.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

using namespace cornu::testing;  // NOLINT
using ::testing::Not;

TEST_F(ProgramTest, TellsItsVersionAndHelps) {
  EXPECT_EQ(run("--version").out, base::cat("cornu ", version(), "\n"));
  for (const char* verb :
       {"", "summary ", "predict ", "fit ", "evaluate ", "benchmark ", "convert ", "codegen "}) {
    const Result r = run(std::string(verb) + "--help");
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.err, "");
    EXPECT_THAT(r.out, HasSubstr(std::string(verb).empty() ? "Subcommands" : "--threads"));
  }
}

TEST_F(ProgramTest, WrongUsageIsExit2) {
  for (const char* usage :
       {"", "fly", "summary", "summary a b", "predict m.keras --input x.npy",
        "summary m --threads 0", "summary m --precision high", "benchmark m --runs many"}) {
    const Result r = run(usage);
    EXPECT_EQ(r.status, 2) << usage;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
}

TEST_F(ProgramTest, SummaryIsTheTable) {
  const Result r = run("summary " + kCases + "graph_unet.keras");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, load_model(kCases + "graph_unet.keras").summary_text());
  EXPECT_THAT(run("summary --memory " + kCases + "graph_unet.keras").out,
              HasSubstr("MiB of packed weights"));
  const Result json = run("summary --json " + kCases + "graph_unet.keras");
  const base::Json parsed = base::parse_json(json.out, "the program");
  EXPECT_EQ(parsed.at("params").as_int(), 1946);
  EXPECT_EQ(parsed.at("layers")[0].at("class_name").as_string(), "InputLayer");
}

TEST_F(ProgramTest, PredictsArraysInTheModelsOrder) {
  const std::string name = "graph_two_inputs_two_outputs_shared";
  std::string arguments = "predict " + kCases + name + ".keras";
  std::vector<Tensor> expected;
  for (const auto& [key, tensor] : load_npz(kCases + name + ".npz")) {
    if (key.starts_with("input_")) {
      save_npy(file(key + ".npy"), tensor);
      arguments += " --input '" + file(key + ".npy") + "'";
    }
    if (key.starts_with("output_")) {
      expected.push_back(tensor);
      arguments += " --output '" + file(key + ".npy") + "'";
    }
  }
  for (const char* more :
       {"", " --threads 1", " --threads 2 --precision strict", " --batch-size 1"}) {
    const Result r = run(arguments + more);
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(r.err, "");
    EXPECT_EQ(r.out, "");
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_LE(testing::max_error(load_npy(file(base::cat("output_", i, ".npy"))), expected[i]),
                5e-5);
  }
  expect_error(arguments + " --input '" + file("input_0.npy") + "'", {"2 inputs", "Received: 3"});
}

TEST_F(ProgramTest, AnArrayWithoutABatchIsABatchOfOne) {
  const auto arrays = load_npz(kCases + "conv2d_1x1_relu6.npz");
  Shape one = arrays[0].second.shape();
  const int64_t size = arrays[0].second.size() / one[0];
  one.erase(0);
  save_npy(file("x.npy"), Tensor(one, arrays[0].second.values().first(static_cast<size_t>(size))));
  const Result r = run("predict " + kCases + "conv2d_1x1_relu6.keras --input '" + file("x.npy") +
                       "' --output '" + file("y.npy") + "' --json");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(load_npy(file("y.npy")).shape()[0], 1);
  EXPECT_EQ(base::parse_json(r.out, "out").at("outputs")[0].at("shape")[0].as_int(), 1);
}

// upsampling2d_nearest_2 takes 3 channels: pictures in, pictures out.
TEST_F(ProgramTest, PicturesGoInAndOut) {
  const Shape input = load_model(kCases + "upsampling2d_nearest_2.keras").input_shape();
  ASSERT_EQ(input.rank(), 4);
  const int64_t h = input[1], w = input[2], c = input[3];
  ASSERT_TRUE(c == 1 || c == 3 || c == 4) << to_text(input);
  const Tensor picture = testing::random_integers({h, w, c}, 1, 0, 255);
  save_png(file("in.png"), picture);
  const std::string command = "predict " + kCases + "upsampling2d_nearest_2.keras --input '" +
                              file("in.png") + "' --output ";
  ASSERT_EQ(run(command + "'" + file("out.png") + "' --scale 255").status, 0);
  const Tensor out = load_image(file("out.png"));
  ASSERT_EQ(out.shape(), (Shape{2 * h, 2 * w, c}));
  for (int64_t y = 0; y < 2 * h; ++y)
    for (int64_t x = 0; x < 2 * w; ++x)
      for (int64_t k = 0; k < c; ++k)
        EXPECT_EQ(out.data()[(y * 2 * w + x) * c + k], picture.data()[(y / 2 * w + x / 2) * c + k]);
  ASSERT_EQ(run(command + "'" + file("out.npy") + "' --scale 255").status, 0);
  // Without a picture at the other end nothing is scaled back.
  for (const Tensor scaled = load_npy(file("out.npy")); const float v : scaled.values())
    EXPECT_LE(v, 1.0f);
}

TEST_F(ProgramTest, BenchmarkMeasures) {
  const Result r = run("benchmark --runs 3 --plan " + kCases + "conv2d_64ch_3x3.keras");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("median"));
  EXPECT_THAT(r.out, HasSubstr("GFLOP/s"));
  EXPECT_THAT(r.out, HasSubstr("conv2d"));
  const Result json =
      run("benchmark --runs 3 --json --threads 2 " + kCases + "conv2d_64ch_3x3.keras");
  EXPECT_EQ(base::parse_json(json.out, "out").at("threads").as_int(), 2);
  EXPECT_GT(base::parse_json(json.out, "out").at("weight_bytes").as_int(), 0);
  const std::string measured = "benchmark --runs 3 --json --plan --measure " + file("plan.json") +
                               " " + kCases + "conv2d_64ch_3x3.keras";
  for (const char* reason : {"measured: ", "measured before"}) {
    const Result plan = run(measured);
    EXPECT_EQ(plan.status, 0) << plan.err;
    const base::Json steps = base::parse_json(plan.out, "out").at("plan");
    ASSERT_GE(steps.size(), 1u);
    EXPECT_THAT(std::string(steps[0].at("reason").as_string()), testing::StartsWith(reason));
  }
  expect_error(
      "benchmark --measure " + kCases + "conv2d_64ch_3x3.keras " + kCases + "conv2d_64ch_3x3.keras",
      {"conv2d_64ch_3x3.keras"});
  expect_error("benchmark --shape 1,2,x " + kCases + "conv2d_64ch_3x3.keras", {"--shape", "1,2,x"});
  expect_error("benchmark --shape 1,2,3 " + kCases + "conv2d_64ch_3x3.keras",
               {"Sequential", "expected (None, 14, 14, 64)", "(1, 2, 3)"});
}

TEST_F(ProgramTest, ConvertsByTheSuffix) {
  const std::string model = kCases + "conv2d_64ch_3x3.keras";
  EXPECT_EQ(run(base::cat("convert ", model, " ", file("m.onnx"))).status, 0);
  std::ifstream onnx(file("m.onnx"), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(onnx), {});
  EXPECT_THAT(bytes, HasSubstr("cornu"));
  EXPECT_THAT(bytes, HasSubstr("Transpose"));
  EXPECT_EQ(run(base::cat("convert ", model, " ", file("m.keras"))).status, 0);
  EXPECT_EQ(run("summary " + file("m.keras")).out, run("summary " + model).out);
  // By way of HDF5 it comes back as the same bytes.
  EXPECT_EQ(run(base::cat("convert ", file("m.keras"), " ", file("m.h5"))).status, 0);
  EXPECT_EQ(run(base::cat("convert ", file("m.h5"), " ", file("again.keras"))).status, 0);
  EXPECT_EQ(base::read_file(file("again.keras")).text(), base::read_file(file("m.keras")).text());
  EXPECT_EQ(run(base::cat("convert ", model, " ", file("m.weights.h5"))).status, 0);
  load_model(model).load_weights(file("m.weights.h5"));
  for (const char* name : {"m.npz", "m.safetensors"}) {
    EXPECT_EQ(run(base::cat("convert ", model, " ", file(name))).status, 0);
    EXPECT_EQ(
        run(base::cat("convert ", model, " ", file("w.keras"), " --weights ", file(name))).status,
        0);
    EXPECT_EQ(base::read_file(file("w.keras")).text(), base::read_file(file("m.keras")).text());
  }
  EXPECT_THAT(run("doctor " + file("m.npz")).out, HasSubstr("arrays of NumPy"));
  EXPECT_THAT(run("doctor " + file("m.safetensors")).out, HasSubstr("weights in safetensors"));
  expect_error(base::cat("convert ", model, " ", file("w.keras"), " --weights ", file("x.npz")),
               {"x.npz"});
  EXPECT_EQ(run(base::cat("convert ", model, " ", file("m.json"))).status, 0);
  const Result doctor = run("doctor " + file("m.json"));
  EXPECT_EQ(doctor.status, 0);
  EXPECT_THAT(doctor.out, HasSubstr("a TensorFlow.js model"));
  EXPECT_THAT(doctor.out, HasSubstr("nothing odd was found"));
  const Result weights = run("doctor --json " + file("m.weights.h5"));
  EXPECT_EQ(weights.status, 1);
  EXPECT_FALSE(base::parse_json(weights.out, "out").at("opens").as_bool());
  EXPECT_EQ(run(base::cat("doctor ", file("m.h5"), " --output ", file("d.keras"))).status, 0);
  EXPECT_EQ(base::read_file(file("d.keras")).text(), base::read_file(file("m.keras")).text());
  expect_error(base::cat("convert ", model, " ", file("m.pb")), {"suffix", "m.pb"});
  expect_error(base::cat("convert ", model, " ", file("n.keras"), " --shape 1,2"), {"--shape"});
}

TEST_F(ProgramTest, PrintsCpp) {
  const std::string model = kCases + "graph_unet.keras";
  const std::string text = codegen(load_model(model), {.function = "unet"});
  const Result r = run("codegen --function unet " + model);
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, text);
  EXPECT_EQ(run(base::cat("codegen --function unet ", model, " --output ", file("m.cc"))).out, "");
  EXPECT_EQ(base::read_file(file("m.cc")).text(), text);
  expect_error("codegen --function 1 " + model, {"function='1'"});
}

TEST_F(ProgramTest, BadFilesGetOneLineAndLeaveNothing) {
  const std::string model = kCases + "conv2d_1x1_relu6.keras", y = file("y.npy");
  const std::string to = " --output '" + y + "'";
  std::ofstream(file("text.keras")) << "hello";
  std::ofstream(file("empty.keras"));
  std::ifstream whole(model, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(whole), {});
  std::ofstream(file("short.keras"), std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  std::string damaged = bytes;
  damaged[damaged.find("\"filters\": ") + 12] ^= 1;  // the archive's checksum sees it
  std::ofstream(file("damaged.keras"), std::ios::binary) << damaged;
  std::ofstream(file("x.npy")) << "not an array";
  save_npy(file("wrong.npy"), Tensor({2, 3}));

  expect_error("summary " + file("none.keras"), {"none.keras", "No such file"});
  expect_error("summary '" + folder_.string() + "'", {folder_.string()});
  expect_error("summary /dev/null", {"/dev/null"});
  expect_error("summary " + file("text.keras"), {"text.keras", "no model"});
  expect_error("summary " + file("empty.keras"), {"empty.keras"});
  expect_error("summary " + file("short.keras"), {"short.keras"});
  expect_error("summary " + file("damaged.keras"), {"damaged.keras", "CRC"});
  expect_error("predict " + model + " --input " + file("none.npy") + to, {"none.npy"});
  expect_error("predict " + model + " --input " + file("x.npy") + to, {"x.npy"});
  expect_error("predict " + model + " --input " + file("wrong.npy") + to, {"(2, 3)", "(None, "});
  expect_error("predict " + model + " --input " + file("text.keras") + to, {"text.keras"});
  expect_error("predict " + model + " --input " + file("wrong.npy") + " --output y.txt", {"y.txt"});
  expect_error("predict " + model + " --input " + file("wrong.npy") + to + " --scale 0",
               {"--scale"});
  EXPECT_FALSE(fs::exists(y));
}

TEST_F(ProgramTest, UnknownLayersAndArgumentsAreNamed) {
  const auto model_with = [&](const std::string& layer) {
    std::ofstream(file("model.json"))
        << R"({"modelTopology": {"keras_version": "2.10.0", "model_config": {"class_name": )"
           R"("Sequential", "config": {"name": "m", "layers": [{"class_name": "InputLayer", )"
           R"("config": {"batch_input_shape": [null, 4, 4, 1], "name": "in"}}, )"
        << layer << R"(]}}}, "weightsManifest": []})";
    return "summary " + file("model.json");
  };
  expect_error(model_with(R"({"class_name": "Teleport", "config": {"name": "t"}})"),
               {"'Teleport'", "'t'"});
  expect_error(model_with(R"({"class_name": "Lambda", "config": {"name": "l"}})"),
               {"'Lambda'", "never run"});
  expect_error(model_with(R"({"class_name": "Flatten", "config": {"name": "f", "colour": 3}})"),
               {"Flatten 'f'", "'colour'", "colour=3"});
  expect_error(
      model_with(R"({"class_name": "UpSampling2D", "config": {"name": "u", "size": [2, 0]}})"),
      {"UpSampling2D 'u'", "size"});
  expect_error(model_with(R"({"class_name": "LeakyReLU", "config": {"name": "r", "alpha": NaN}})"),
               {"LeakyReLU 'r'", "NaN"});
  expect_error(model_with(R"({"class_name": "Dense", "config": {"name": "d", "units": 2}})"),
               {"'d/kernel'"});
  expect_error(
      model_with(R"({"class_name": "Dense", "config": {"name": "d", "units": 2000000000}})"),
      {"'d/kernel'"});
}

// A control character of a name in a file must not reach the terminal.
TEST_F(ProgramTest, NamesCannotWriteOnTheTerminal) {
  std::ofstream(file("model.json"))
      << R"({"modelTopology": {"class_name": "Sequential", "config": [{"class_name": "\u001b[2J\nx", )"
         R"("config": {}}]}, "weightsManifest": []})";
  const Result r = run("summary " + file("model.json"));
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(r.err, HasSubstr("\\x1b[2J"));
}

}  // namespace
}  // namespace cornu
