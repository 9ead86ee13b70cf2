// Opens a model that Keras or TensorFlow.js wrote and runs it, on whole arrays and in real time.
//   run_a_model MODEL
#include <cornu/cornu.h>

#include <cstdio>

using namespace cornu;

int run(const std::string& path) {
  // [load]
  LoadResult loaded = load(path);  // .keras, or a TensorFlow.js model.json
  for (const std::string& warning : loaded.warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  const Model& model = loaded.model;
  // [end]
  Shape shape = model.input_shape();
  for (int64_t i = 0; i < shape.rank(); ++i)
    if (!shape.known(i)) shape[i] = i == 0 ? 1 : 32;

  // [realtime]
  // For cameras and plug-ins: everything is decided before the first frame.
  Program program = model.program({.input_shapes = {shape}});  // immutable, shared by all threads
  Workspace workspace(program);                                // one per caller
  std::vector<float> in(static_cast<size_t>(program.input_shape().size()));
  std::vector<float> out(static_cast<size_t>(program.output_shape().size()));
  bool ok = workspace.run(in, out);  // noexcept; no allocation, no lock
  // [end]

  // The same answer as predict()'s.
  const Tensor y = model.predict(Tensor(shape, in));
  for (size_t i = 0; i < out.size(); ++i) ok = ok && out[i] == y.values()[i];
  std::printf("%s -> %s\n", to_text(shape).c_str(), to_text(y.shape()).c_str());
  return ok ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: run_a_model MODEL\n"), 2;
  // [errors]
  try {
    return run(argv[1]);
  } catch (const Error& e) {  // one line: file, layer, argument, received value
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  // [end]
}
