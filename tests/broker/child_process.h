// A program that a test starts and that never outlives it: the destructor ends it, and the kernel does when the test
// itself dies. Also the one way tests wait: for a condition, with a deadline. Used by the main thread only (the kernel
// ends a child when the *thread* that started it ends).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::testing {

// Asks for `condition` again and again until it holds (true) or `limit` has passed (false).
bool Eventually(std::chrono::seconds limit, const std::function<bool()>& condition);

class ChildProcess {
 public:
  // Standard output and standard error go to files. Throws nothing: a program that cannot be started exits with 127.
  ChildProcess(const std::vector<std::string>& command, std::string output_file, std::string error_file);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  void Signal(int signal);
  bool Running();
  double CpuSeconds() const;  // user and system time of all its threads so far; 0: it has ended
  // The exit code, or 128 + the signal that ended it; nullopt: still running after `limit`.
  std::optional<int> Wait(std::chrono::seconds limit);

  std::string Output() const;
  std::string Errors() const;

 private:
  const std::string output_file_, error_file_;
  pid_t pid_;
  std::optional<int> exit_code_;
};

// Starts it, waits for its end, and returns the exit code (nullopt: it was killed at the limit).
std::optional<int> RunToEnd(const std::vector<std::string>& command, const std::string& output_file,
                            const std::string& error_file, std::chrono::seconds limit);

std::string ReadFile(const std::string& path);

}  // namespace tidemark::testing
