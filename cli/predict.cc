#include <cornu/image/image.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "options.h"
#include "progress_bar.h"

namespace cli {
namespace {

using cornu::Model;
using cornu::Shape;
using cornu::Tensor;
using cornu::ValueError;
using cornu::base::cat;

struct Options {
  std::string model;
  std::vector<std::string> inputs, outputs;
  double scale = 1;
  int64_t batch_size = 32;
  int64_t band = 0;
  std::string measure;
  Common common;
};

bool ends_with(const std::string& path, const char* suffix) {
  return cornu::base::lower(path).ends_with(suffix);
}

// ---- pictures
// -----------------------------------------------------------------------------------------

bool is_picture_channels(int64_t n) { return n == 1 || n == 3 || n == 4; }

// Where the channels of a model's pictures are: the last axis, or the first after the batch.
bool channels_last(const Shape& shape) {
  return is_picture_channels(shape[-1]) || !is_picture_channels(shape[1]);
}

// (H, W, C) to (C, H, W), or back.
Tensor turned(const Tensor& in, bool to_first) {
  const Shape& s = in.shape();
  const int64_t outer = to_first ? s[0] * s[1] : s[0], inner = to_first ? s[2] : s[1] * s[2];
  Tensor out(to_first ? Shape{s[2], s[0], s[1]} : Shape{s[1], s[2], s[0]});
  float* to = out.data();
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j) to[j * outer + i] = in.data()[i * inner + j];
  return out;
}

Tensor read_picture(const std::string& path, const Shape& wanted, double scale) {
  if (wanted.rank() != 4)
    throw ValueError(cat(path, ": the model's input has shape ", wanted,
                         ", which is not that of a picture. Give it as .npy"));
  const bool last = channels_last(wanted);
  const int64_t channels = wanted[last ? -1 : 1];
  if (!is_picture_channels(channels))
    throw ValueError(cat(path, ": the model's input has shape ", wanted,
                         ": a picture has 1, 3 or 4 channels. Give it as .npy"));
  Tensor picture = cornu::load_image(path, {.channels = static_cast<int>(channels)});
  for (float& v : picture.values()) v = static_cast<float>(v / scale);
  if (!last) picture = turned(picture, true);
  Shape shape = picture.shape();
  shape.insert(0, 1);
  return picture.reshaped(std::move(shape));
}

void write_picture(const std::string& path, const Tensor& answer, double scale) {
  const Shape& s = answer.shape();
  if (s.rank() != 4 || s[0] != 1)
    throw ValueError(
        cat(path, ": an answer of shape ", s, " is not one picture. Write it as .npy"));
  const bool last = channels_last(s);
  if (!is_picture_channels(s[last ? -1 : 1]))
    throw ValueError(cat(path, ": a picture has 1, 3 or 4 channels, the answer has shape ", s,
                         ". Write it as .npy"));
  Tensor picture = answer.reshaped(Shape{s[1], s[2], s[3]});
  for (float& v : picture.values()) v = static_cast<float>(v * scale);
  cornu::save_png(path, last ? picture : turned(picture, false));
}

// ---- the verb
// -----------------------------------------------------------------------------------------

Tensor read_input(const std::string& path, const Shape& wanted, double scale) {
  if (!ends_with(path, ".npy")) return read_picture(path, wanted, scale);
  Tensor x = cornu::load_npy(path);
  if (x.shape().rank() == wanted.rank() - 1) {
    Shape shape = x.shape();
    shape.insert(0, 1);
    x = x.reshaped(std::move(shape));
  }
  return x;
}

void check_counts(const Options& o, const Model& model) {
  const auto check = [&](const char* what, size_t given, size_t wanted) {
    if (given != wanted)
      throw ValueError(cat(o.model, ": the model has ", wanted, " ", what, wanted == 1 ? "" : "s",
                           ". Received: ", given, " --", what, given == 1 ? "" : " options"));
  };
  check("input", o.inputs.size(), model.inputs().size());
  check("output", o.outputs.size(), model.outputs().size());
  for (const std::string& path : o.outputs)
    if (!ends_with(path, ".npy") && !ends_with(path, ".png"))
      throw ValueError(
          cat("--output must end in .npy or .png. Received: ", cornu::base::quoted(path)));
}

void run(const Options& o) {
  o.common.apply();
  if (!(o.scale > 0) || !std::isfinite(o.scale))
    throw ValueError(cat("--scale must be a positive number. Received: ", o.scale));
  const Model model = open_model(o.model, o.common);
  check_counts(o, model);
  const std::vector<Shape> shapes = model.input_shapes();
  std::vector<Tensor> x;
  for (size_t i = 0; i < o.inputs.size(); ++i)
    x.push_back(read_input(o.inputs[i], shapes[i], o.scale));

  const auto start = std::chrono::steady_clock::now();
  std::vector<Tensor> y;
  {
    ProgressBar bar("predict", o.common.quiet || o.common.json);
    cornu::PredictOptions options{.batch_size = o.batch_size, .precision = o.common.precision};
    options.band = o.band;
    if (!o.measure.empty()) options.plan = "measure", options.plan_file = o.measure;
    if (bar.shown()) options.progress = [&](double done) { bar.update(done); };
    y = model.predict(x, options);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (size_t i = 0; i < y.size(); ++i) {
    if (ends_with(o.outputs[i], ".png")) {
      write_picture(o.outputs[i], y[i], o.scale);
    } else {
      cornu::save_npy(o.outputs[i], y[i]);
    }
  }
  if (o.common.json) {
    using cornu::base::Json;
    std::vector<Json> outputs;
    for (size_t i = 0; i < y.size(); ++i) {
      const std::vector<Json> dims(y[i].shape().begin(), y[i].shape().end());
      outputs.push_back(Json::object({{"file", o.outputs[i]}, {"shape", Json::array(dims)}}));
    }
    fmt::print("{}\n",
               Json::object({{"seconds", seconds}, {"outputs", Json::array(outputs)}}).dump());
  }
}

}  // namespace

void add_predict(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("predict", "Runs a model on arrays or pictures");
  verb->footer(
      "\nExamples:\n"
      "  cornu predict model.keras --input x.npy --output y.npy\n"
      "  cornu predict upscaler/model.json --input photo.png --output large.png --scale 255\n"
      "  cornu predict upscaler/model.json --input large.png --output huge.png --scale 255 "
      "--band 128");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  verb->add_option(
          "--input", options->inputs,
          wrapped("An input, once for each of the model's, in its order: .npy, PNG or JPEG. A "
                  "picture is a batch of one, numbers 0 to 255, in the model's channels; an .npy "
                  "that lacks the batch axis is a batch of one"))
      ->required()
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("X");
  verb->add_option(
          "--output", options->outputs,
          wrapped("Where an output goes, once for each of the model's, in its order: .npy, or .png "
                  "for one picture (rounded, clipped to 0 to 255)"))
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("Y");
  verb->add_option(
          "--scale", options->scale,
          wrapped("Pixels are divided by S on the way in and multiplied by S on the way out: 255 "
                  "for a model of numbers 0 to 1"))
      ->capture_default_str()
      ->type_name("S");
  verb->add_option("--batch-size", options->batch_size, "Samples computed at a time")
      ->check(between(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  verb->add_option(
          "--band", options->band,
          wrapped("Computes the output in bands of about N rows (cells along its first spatial "
                  "axis), so that large pictures and volumes take little memory; 0: whole. Models "
                  "of one output"))
      ->check(between(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  add_measure_option(*verb, options->measure);
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
