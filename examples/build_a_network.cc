// Builds networks with Keras's names, and runs them.
#include <cornu/cornu.h>

#include <cstdio>

using namespace cornu;

int main() {
  // [sequential]
  Sequential model({
      Conv2D({.filters = 32,
              .kernel_size = 3,
              .padding = "same",
              .activation = "relu",
              .input_shape = {28, 28, 1}}),
      MaxPooling2D({.pool_size = 2}),
      Conv2D({.filters = 64,
              .kernel_size = {3, 5},
              .strides = {2, 1},
              .kernel_regularizer = regularizers::L2(1e-4)}),
      Cropping2D({.cropping = {{1, 0}, {0, 2}}}),
      Flatten(),
      Dense({.units = 10, .activation = "softmax"}),
  });
  model.summary();

  Tensor images({2, 28, 28, 1});           // zeros: two images
  Tensor classes = model.predict(images);  // (2, 10)
  // [end]

  // [functional]
  Symbol image = Input({.shape = {None, None, 3}});  // any height and width
  Layer conv = Conv2D({.filters = 3, .kernel_size = 3, .padding = "same"});
  Symbol once = conv(image);
  Symbol twice = conv(once);  // the same weights
  Model residual({.inputs = image, .outputs = {twice, Add()({image, twice}) * 0.5}});
  // [end]

  const auto answers = residual.predict(std::vector<Tensor>{Tensor({1, 17, 9, 3})});
  std::printf("%s %s\n", to_text(classes.shape()).c_str(), to_text(answers[1].shape()).c_str());
  return classes.shape() == Shape{2, 10} && answers[1].shape() == Shape{1, 17, 9, 3} ? 0 : 1;
}
