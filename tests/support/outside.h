#pragma once

// Programs of others that tests ask: Python with Debian's packages, Node.js with npm's.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace cornu::testing {

struct Outcome {
  int status = -1;     // 0 when all went well
  std::string output;  // what it printed, errors among it
};

inline Outcome run_outside(const std::string& command) {
  Outcome result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return result;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, pipe))
    result.output.append(buffer, n);
  result.status = ::pclose(pipe);
  return result;
}

// The Python that has h5py, or nothing. Debian's h5py belongs to Debian's Python, which need not be
// the first one.
inline const std::string& python() {
  static const std::string found = [] {
    for (const char* candidate : {"/usr/bin/python3", "python3"})
      if (run_outside(std::string(candidate) + " -c 'import h5py'").status == 0)
        return std::string(candidate);
    return std::string();
  }();
  return found;
}

// Where scripts/fetch-node-packages.sh puts npm's packages.
inline std::string node_modules() {
  const char* folder = std::getenv("CORNU_NODE_MODULES");
  return folder ? folder : CORNU_SOURCE_DIR "/build/npm/node_modules";
}

}  // namespace cornu::testing
