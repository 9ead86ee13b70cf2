#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace cornu::kills {

std::string text_of(const std::string& path);

// Starts a program; its output goes to the folder's files "out" and "err". The functions here throw
// std::runtime_error.
pid_t start(const std::vector<std::string>& words, const std::string& folder);

// Whether a process is over; it is still to be waited for.
bool has_ended(pid_t process);

// Waits for the end of a process. False: SIGKILL ended it. Any end but success is an error.
bool ended_well(pid_t process, const std::string& folder);

}  // namespace cornu::kills
