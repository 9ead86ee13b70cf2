#include "tests/kills/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cornu/base/text.h"

namespace cornu::kills {

using base::cat;

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

pid_t start(const std::vector<std::string>& words, const std::string& folder) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string out = folder + "/out", err = folder + "/err";
  constexpr int kAnew = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 1, out.c_str(), kAnew, 0666);
  ::posix_spawn_file_actions_addopen(&files, 2, err.c_str(), kAnew, 0666);
  pid_t process = 0;
  const int error =
      ::posix_spawn(&process, arguments[0], &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error(cat("cannot start ", words[0]));
  return process;
}

bool has_ended(pid_t process) {
  siginfo_t info = {};
  return ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == process;
}

bool ended_well(pid_t process, const std::string& folder) {
  int status = 0;
  if (::waitpid(process, &status, 0) != process) throw std::runtime_error("a process is lost");
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return false;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(
        cat("the run failed with status ", status, ": ", text_of(folder + "/err")));
  return true;
}

}  // namespace cornu::kills
