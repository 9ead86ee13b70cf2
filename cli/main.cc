#include <fmt/core.h>

#include "esrgan_layers.h"
#include "options.h"
#ifdef CORNU_WITH_MPI
#include "cornu/mpi/mpi.h"
#endif

namespace {

// An error is one line, whatever names from files it quotes.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

// Started by mpirun, several of these train one model.
class Processes {
 public:
  Processes() {
#ifdef CORNU_WITH_MPI
    if (cornu::mpi::launched()) cornu::set_communicator(cornu::mpi::world());
#endif
  }
  ~Processes() { cornu::set_communicator(nullptr); }
  // The others would wait for this one.
  static int failed() {
#ifdef CORNU_WITH_MPI
    if (cornu::communicator()) {
      std::fflush(stderr);
      cornu::mpi::abort(1);
    }
#endif
    return 1;
  }
};

int run(int argc, char** argv) {
  CLI::App app(
      "Runs and trains Keras's convolutional networks on the CPU, from Keras's own files.\n\n"
      "  cornu summary model.keras\n"
      "  cornu predict model.keras --input photo.jpg --output answer.npy\n"
      "  cornu fit model.keras --data train.npz --epochs 5 --output trained.keras\n"
      "  cornu evaluate trained.keras --data test.npz\n"
      "  cornu benchmark model.keras --shape 1,224,224,3\n"
      "  cornu convert model.h5 model.keras\n"
      "  cornu doctor model.keras\n"
      "  cornu codegen model.keras --output make_model.cc\n\n"
      "A model is a .keras or .h5 file or a TensorFlow.js model.json; its content decides, not its "
      "name.",
      "cornu");
  app.set_version_flag("--version", fmt::format("cornu {}", cornu::version()));
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  cli::add_summary(app);
  cli::add_predict(app);
  cli::add_fit(app);
  cli::add_evaluate(app);
  cli::add_benchmark(app);
  cli::add_convert(app);
  cli::add_codegen(app);
  cli::add_doctor(app);
  try {
    esrgan::register_layers();
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "cornu: {} (cornu --help tells what there is)\n", one_line(e.what()));
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "cornu: out of memory\n");
  } catch (const std::exception& e) {
    fmt::print(stderr, "cornu: {}\n", one_line(e.what()));
  }
  return Processes::failed();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Processes processes;
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "cornu: {}\n", one_line(e.what()));
    return 1;
  }
}
