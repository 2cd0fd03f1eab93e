#include "tests/broker/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

namespace tidemark::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{20};

int EmptyFile(const std::string& path) { return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); }

[[noreturn]] void BecomeProgram(std::vector<char*> arguments, int out, int err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

int ExitCodeOfStatus(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

bool Eventually(std::chrono::seconds limit, const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

ChildProcess::ChildProcess(const std::vector<std::string>& command, std::string output_file, std::string error_file)
    : output_file_(std::move(output_file)), error_file_(std::move(error_file)) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  // Emptied before anybody can read in them what an earlier process wrote.
  const int out = EmptyFile(output_file_);
  const int err = EmptyFile(error_file_);
  pid_ = fork();
  if (pid_ == 0) BecomeProgram(arguments, out, err);
  close(out);
  close(err);
}

ChildProcess::~ChildProcess() {
  if (!Running()) return;
  Signal(SIGKILL);
  Wait(std::chrono::seconds(30));
}

void ChildProcess::Signal(int signal) {
  if (Running()) kill(pid_, signal);
}

bool ChildProcess::Running() {
  if (exit_code_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_code_ = ExitCodeOfStatus(status);
  return false;
}

double ChildProcess::CpuSeconds() const {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::optional<int> ChildProcess::Wait(std::chrono::seconds limit) {
  Eventually(limit, [this] { return !Running(); });
  return exit_code_;
}

std::string ChildProcess::Output() const { return ReadFile(output_file_); }
std::string ChildProcess::Errors() const { return ReadFile(error_file_); }

std::optional<int> RunToEnd(const std::vector<std::string>& command, const std::string& output_file,
                            const std::string& error_file, std::chrono::seconds limit) {
  return ChildProcess(command, output_file, error_file).Wait(limit);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tidemark::testing
