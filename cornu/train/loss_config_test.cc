#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "cornu/train/loss.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;

Loss read(const std::string& text) { return Loss::from_config(base::parse_json(text, "test")); }

std::string written(const char* class_name, const std::string& config) {
  return cat(R"({"module": "keras.losses", "class_name": ")", class_name, R"(", "config": )",
             config, R"(, "registered_name": null})");
}

TEST(LossConfig, NamesStayNames) {
  for (const char* name : {"mse",
                           "MSE",
                           "mean_squared_error",
                           "MeanSquaredError",
                           "mae",
                           "mape",
                           "msle",
                           "MSLE",
                           "bce",
                           "BCE",
                           "binary_crossentropy",
                           "kld",
                           "KLD",
                           "kl_divergence",
                           "KLDivergence",
                           "poisson",
                           "log_cosh",
                           "LogCosh",
                           "huber",
                           "Huber",
                           "cosine_similarity",
                           "hinge",
                           "squared_hinge",
                           "categorical_hinge",
                           "categorical_crossentropy",
                           "sparse_categorical_crossentropy",
                           "binary_focal_crossentropy",
                           "categorical_focal_crossentropy",
                           "dice",
                           "tversky",
                           "Tversky",
                           "crossentropy",
                           "ce"}) {
    for (const Loss& loss : {Loss(name), read(cat("\"", name, "\""))}) {
      loss.check();
      EXPECT_EQ(loss.config().dump(), cat("\"", name, "\""));
      EXPECT_EQ(loss.name(), name);
      EXPECT_EQ(loss.reduction(), "sum_over_batch_size");
    }
  }
}

// What older Keras called them is written as Keras 3 knows it.
TEST(LossConfig, OldNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"logcosh", "log_cosh"},
      {"huber_loss", "huber"},
      {"kullback_leibler_divergence", "kl_divergence"},
      {"cosine_proximity", "cosine_similarity"}};
  for (const auto& [old, name] : cases) {
    EXPECT_EQ(Loss(old).config().dump(), cat("\"", name, "\""));
    EXPECT_EQ(Loss(old).name(), old);
  }
}

TEST(LossConfig, ObjectsAsKeras3WritesThem) {
  const std::pair<Loss, std::string> cases[] = {
      {losses::MeanSquaredError(),
       written("MeanSquaredError",
               R"({"name": "mean_squared_error", "reduction": "sum_over_batch_size"})")},
      {losses::Huber({.delta = .5, .reduction = "sum"}),
       written("Huber", R"({"name": "huber_loss", "reduction": "sum", "delta": 0.5})")},
      {losses::CosineSimilarity({.axis = 1}),
       written("CosineSimilarity",
               R"({"name": "cosine_similarity", "reduction": "sum_over_batch_size", "axis": 1})")},
      {losses::BinaryCrossentropy({.from_logits = true}),
       written("BinaryCrossentropy",
               R"({"name": "binary_crossentropy", "reduction": "sum_over_batch_size", )"
               R"("from_logits": true, "label_smoothing": 0.0, "axis": -1})")},
      {losses::CategoricalCrossentropy({.from_logits = true, .label_smoothing = .1}),
       written("CategoricalCrossentropy",
               R"({"name": "categorical_crossentropy", "reduction": "sum_over_batch_size", )"
               R"("from_logits": true, "label_smoothing": 0.1, "axis": -1})")},
      {losses::SparseCategoricalCrossentropy({.from_logits = true}),
       written("SparseCategoricalCrossentropy",
               R"({"name": "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size", )"
               R"("from_logits": true, "ignore_class": null})")},
      {losses::SparseCategoricalCrossentropy({.ignore_class = 255, .axis = 1, .name = "mine"}),
       written("SparseCategoricalCrossentropy",
               R"({"name": "mine", "reduction": "sum_over_batch_size", "from_logits": false, )"
               R"("ignore_class": 255, "axis": 1})")},
      {losses::BinaryFocalCrossentropy({.gamma = 1.5}),
       written("BinaryFocalCrossentropy",
               R"({"name": "binary_focal_crossentropy", "reduction": "sum_over_batch_size", )"
               R"("from_logits": false, "label_smoothing": 0.0, "axis": -1, )"
               R"("apply_class_balancing": false, "alpha": 0.25, "gamma": 1.5})")},
      {losses::CategoricalFocalCrossentropy(),
       written("CategoricalFocalCrossentropy",
               R"({"name": "categorical_focal_crossentropy", "reduction": "sum_over_batch_size", )"
               R"("from_logits": false, "label_smoothing": 0.0, "axis": -1, "alpha": 0.25, )"
               R"("gamma": 2.0})")},
      {losses::Dice(), written("Dice", R"({"name": "dice", "reduction": "sum_over_batch_size", )"
                                       R"("axis": null})")},
      {losses::Tversky({.beta = .75, .axis = {1, 2}}),
       written("Tversky", R"({"name": "tversky", "reduction": "sum_over_batch_size", )"
                          R"("alpha": 0.5, "beta": 0.75, "axis": [1, 2]})")},
  };
  for (const auto& [loss, config] : cases) {
    loss.check();
    EXPECT_EQ(loss.config().dump(), config);
    EXPECT_EQ(read(config).config().dump(), config);
  }
}

TEST(LossConfig, EveryClassRoundTrips) {
  using namespace losses;
  for (const Loss& loss :
       {MeanSquaredError(), MeanAbsoluteError(), MeanAbsolutePercentageError(),
        MeanSquaredLogarithmicError(), CosineSimilarity(), Huber(), LogCosh(), Hinge(),
        SquaredHinge(), CategoricalHinge(), KLDivergence(), Poisson(), BinaryCrossentropy(),
        CategoricalCrossentropy(), SparseCategoricalCrossentropy(), BinaryFocalCrossentropy(),
        CategoricalFocalCrossentropy(), Dice(), Tversky()}) {
    loss.check();
    const Loss again = Loss::from_config(loss.config());
    EXPECT_EQ(again.config().dump(), loss.config().dump());
    EXPECT_EQ(again.name(), loss.name());
    // The name alone, and an object without options, are the same loss.
    const std::string name(loss.config().at("class_name").as_string());
    EXPECT_EQ(read(cat(R"({"class_name": ")", name, R"(", "config": {}})")).config().dump(),
              loss.config().dump());
  }
}

// tf.keras: another module, "auto", the function, a policy; Keras 3.0: longer module paths.
TEST(LossConfig, OtherDialects) {
  const Loss k2 = read(R"({"class_name": "BinaryCrossentropy", "config": {"reduction": "auto",
      "name": "binary_crossentropy", "from_logits": true, "label_smoothing": 0, "axis": -1,
      "fn": "binary_crossentropy"}})");
  EXPECT_EQ(k2.config().dump(), losses::BinaryCrossentropy({.from_logits = true}).config().dump());
  const Loss old = read(R"({"module": "keras.src.losses.losses", "class_name": "Huber",
      "config": {"name": "h", "reduction": null, "delta": 2, "dtype": {"module": "keras",
      "class_name": "DTypePolicy", "config": {"name": "float32"}}}, "registered_name": "Huber"})");
  EXPECT_EQ(old.reduction(), "none");
  EXPECT_EQ(old.name(), "h");
  EXPECT_EQ(read(R"({"module": "builtins", "class_name": "function",
      "config": "mean_squared_error", "registered_name": "function"})")
                .config()
                .dump(),
            R"("mean_squared_error")");
}

TEST(LossConfig, OwnFormulas) {
  const auto f = [](Expression y, Expression p) { return ops::mean(y - p, {.axis = {-1}}); };
  const char* config = R"({"module": "builtins", "class_name": "function", "config": "bias_of", )"
                       R"("registered_name": "bias_of"})";
  EXPECT_EQ(Loss("bias_of", f).config().dump(), config);
  EXPECT_ERROR(ValueError, read(config), "unknown loss 'bias_of'");
  register_loss("bias_of", f);
  EXPECT_EQ(read(config).config().dump(), config);
}

TEST(LossConfig, Errors) {
  EXPECT_ERROR(ValueError, Loss("mes").check(), "compile: unknown loss 'mes'. Received: \"mes\"");
  EXPECT_ERROR(ValueError, Loss("ctc").check(), "unknown loss 'ctc'");
  EXPECT_ERROR(ValueError, losses::MeanSquaredError({.reduction = "avg"}).check(),
               "compile: loss 'mean_squared_error': `reduction` must be 'sum_over_batch_size'");
  EXPECT_ERROR(ValueError, losses::BinaryCrossentropy({.label_smoothing = 1.5}).check(),
               "`label_smoothing` must be between 0 and 1. Received: label_smoothing=1.5");
  EXPECT_ERROR(ValueError, losses::Huber({.delta = 0}).check(), "`delta` must be finite and pos");
  EXPECT_ERROR(ValueError, losses::Huber({.delta = std::nan("")}).check(), "Received: delta=nan");
  EXPECT_ERROR(ValueError, losses::Tversky({.alpha = -1}).check(), "`alpha` must be finite and");
  EXPECT_ERROR(ValueError, losses::BinaryFocalCrossentropy({.gamma = INFINITY}).check(),
               "`gamma` must be finite and zero or positive. Received: gamma=inf");
  const std::pair<const char*, const char*> cases[] = {
      {"\"mes\"", "compile: unknown loss 'mes'"},
      {"3", "the loss must be a name or an object with a class_name. Received: 3"},
      {R"({"class_name": "Mse", "config": {}})", "unknown loss 'Mse'. Received: {\"class_name\""},
      {R"({"module": "mine", "class_name": "Huber", "config": {}})", "unknown loss 'Huber'"},
      {R"({"class_name": "Huber", "config": {"delta": "1"}})",
       "compile: loss Huber: `delta` must be a finite number. Received: delta=\"1\""},
      {R"({"class_name": "Huber", "config": {"reduction": "avg"}})", "`reduction` must be"},
      {R"({"class_name": "Huber", "config": {"from_logits": true}})",
       "loss Huber: unknown argument 'from_logits'"},
      {R"({"class_name": "BinaryCrossentropy", "config": {"from_logits": 1}})",
       "`from_logits` must be true or false. Received: from_logits=1"},
      {R"({"class_name": "BinaryCrossentropy", "config": {"axis": null}})",
       "`axis` must be an integer. Received: axis=null"},
      {R"({"class_name": "SparseCategoricalCrossentropy", "config": {"ignore_class": 1.5}})",
       "`ignore_class` must be an integer"},
      {R"({"class_name": "Dice", "config": {"axis": [0.5]}})", "`axis` must be an integer or a"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

// ---- targets ------------------------------------------------------------------------------------

TEST(LossTarget, Labels) {
  const Loss loss = "sparse_categorical_crossentropy";
  const Shape out{None, 10};
  loss.check_target(Tensor({4}, {0, 9, 3, 1}), out, "dense");
  loss.check_target(Tensor({4, 1}, {0, 9, 3, 1}), {32, 10}, "dense");
  Loss("crossentropy").check_target(Tensor({2}, {0, 9}), out, "dense");
  EXPECT_ERROR(ValueError, loss.check_target(Tensor({3}, {1, 10, 3}), out, "dense"),
               "argument `y` for output 'dense': class labels for the loss "
               "'sparse_categorical_crossentropy' must be whole numbers from 0 to 9, as the output "
               "has 10 classes. Received: 10.0 at (1,)");
  EXPECT_ERROR(ValueError, loss.check_target(Tensor({2}, {0, -1}), out, "d"),
               "Received: -1.0 at (");
  EXPECT_ERROR(ValueError, loss.check_target(Tensor({2}, {.5f, 1}), out, "d"),
               "Received: 0.5 at (0");
  EXPECT_ERROR(ValueError, loss.check_target(Tensor({2}, {0, NAN}), out, "d"),
               "Received: nan at (1");
  EXPECT_ERROR(ValueError, Loss("ce").check_target(Tensor({2}, {0, 10}), out, "d"), "from 0 to 9");
  // Cells, and labels that do not count.
  const Tensor cells({1, 2, 2}, {0, 1, 255, 2});
  EXPECT_ERROR(ValueError, loss.check_target(cells, {None, 2, 2, 3}, "d"), "255.0 at (0, 1, 0)");
  losses::SparseCategoricalCrossentropy({.ignore_class = 255})
      .check_target(cells, {None, 2, 2, 3}, "d");
}

TEST(LossTarget, Shapes) {
  Loss("mse").check_target(Tensor(Shape{7}), {None, 1}, "d");
  Loss("mse").check_target(Tensor(Shape{7, 2, 3}), {32, 2, 3}, "d");
  Loss("mine", [](Expression y, Expression) {
    return y;
  }).check_target(Tensor(Shape{7, 9}), {None, 3}, "d");
  EXPECT_ERROR(ValueError, Loss("mse").check_target(Tensor(Shape{7, 2}), {None, 3}, "d"),
               "argument `y` for output 'd': targets must have the output's shape, which is "
               "(None, 3), for the loss 'mse'. Received: shape=(7, 2)");
  EXPECT_ERROR(ValueError, Loss("mse").check_target(Tensor(Shape{7, 1}), {None, 3}, "d"),
               "Received: shape=(7, 1)");
  EXPECT_ERROR(ValueError,
               Loss("categorical_crossentropy").check_target(Tensor(Shape{7}), {None, 10}, "d"),
               "targets must have the output's shape");
  EXPECT_ERROR(
      ValueError,
      Loss("sparse_categorical_crossentropy").check_target(Tensor(Shape{7, 10}), {None, 10}, "d"),
      "class labels must have the output's shape without its classes, which is (None, 10)");
}

}  // namespace
}  // namespace cornu
