// Training allocates nothing per step, after the first step of a shape.

#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "tests/support/compare.h"
#include "tests/support/count_allocations.h"

namespace cornu {
namespace {

class Count final : public Callback {
 public:
  void on_train_batch_end(int64_t batch, Logs&) override {
    const int64_t now = allocations;
    if (batch > 2) steady += now - last_;
    last_ = now;
  }
  int64_t steady = 0;

 private:
  int64_t last_ = 0;
};

TEST(Allocation, NoneAfterTheFirstSteps) {
  for (const char* optimizer : {"sgd", "adam", "rmsprop"}) {
    Sequential model({
        Input({.shape = {8, 8, 3}}),
        Conv2D({.filters = 8, .kernel_size = 3, .padding = "same"}),
        BatchNormalization(),
        ReLU(),
        MaxPooling2D(),
        Dropout({.rate = 0.5}),
        SeparableConv2D({.filters = 8, .kernel_size = 3}),
        Flatten(),
        Dense({.units = 4, .activation = "softmax", .kernel_regularizer = "l2"}),
    });
    model.compile({.optimizer = optimizer,
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    const auto count = std::make_shared<Count>();
    model.fit(testing::random_tensor(Shape{64, 8, 8, 3}, 1), Tensor(Shape{64}),
              {.batch_size = 8, .epochs = 1, .verbose = 0, .callbacks = {count}});
    EXPECT_EQ(count->steady, 0) << optimizer;
  }
  // Channels enough for Winograd's transforms, whose kernels are made at every step.
  Sequential wide({
      Input({.shape = {16, 16, 16}}),
      Conv2D({.filters = 32, .kernel_size = 3, .padding = "same"}),
      Conv2D({.filters = 32, .kernel_size = 3, .padding = "same"}),
      GlobalAveragePooling2D(),
  });
  wide.compile({.loss = "mse"});
  const auto count = std::make_shared<Count>();
  wide.fit(testing::random_tensor(Shape{96, 16, 16, 16}, 1), Tensor(Shape{96, 32}),
           {.batch_size = 16, .epochs = 1, .verbose = 0, .callbacks = {count}});
  EXPECT_EQ(count->steady, 0);
  const int64_t before = allocations;
  const Tensor one(Shape{3});  // the counter counts
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace cornu
