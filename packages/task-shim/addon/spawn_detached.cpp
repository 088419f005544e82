/*
 * A process that is no child of ours needs two generations: the first one ends at once, so the second belongs to init
 * (or the next subreaper) and never becomes a zombie of ours. libuv's handling of Node's own children isn't touched:
 * the first generation sends no SIGCHLD (its exit signal is 0) and is reaped here.
 *
 * Both generations share our memory until exec (CLONE_VM | CLONE_VFORK, as posix_spawn does it), since copying the page
 * tables of a Node process costs milliseconds. Each clone suspends its parent, so there is one runner at any time;
 * they only make system calls, on stacks of their own, with all signals blocked.
 *
 * One whose ending we want to know stays our child and is the second generation alone. It outlives us as the others do: it
 * has a session of its own, and init takes what we leave. Until its ending is asked for it is a zombie once it has ended.
 */
#include "spawn_detached.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "failure.h"

namespace {

constexpr size_t kStackBytes = 64 << 10;

struct Plan {
  std::string file;
  std::string directory;
  std::vector<std::string> argument_texts;
  std::vector<std::string> environment_texts;
  std::vector<char *> argv;
  std::vector<char *> environment;
  /** from, to */
  std::vector<std::pair<int, int>> descriptors;
  std::vector<int> copies;
  std::vector<char> inner_stack;
  pid_t pid = -1;
  int error = 0;
};

/** Not for AddressSanitizer, which before a function that doesn't return looks for the end of a stack that it doesn't know. */
#define ON_ITS_OWN_STACK __attribute__((no_sanitize_address))

void *top(std::vector<char> &stack) { return stack.data() + stack.size(); }

ON_ITS_OWN_STACK int become(void *argument) {
  Plan &plan = *static_cast<Plan *>(argument);
  setsid();
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);

  // First out of the way of each other, then to their places; there they stay open over exec.
  int highest = STDERR_FILENO;
  for (const auto &[from, to] : plan.descriptors) highest = std::max({highest, from, to});
  for (size_t i = 0; i < plan.descriptors.size(); ++i) {
    plan.copies[i] = fcntl(plan.descriptors[i].first, F_DUPFD, highest + 1);
    if (plan.copies[i] < 0) goto failed;
  }
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int null = open("/dev/null", O_RDWR);
    if (null < 0 || (null != fd && dup2(null, fd) < 0)) goto failed;
    if (null > STDERR_FILENO) close(null);
  }
  for (size_t i = 0; i < plan.descriptors.size(); ++i) {
    if (dup2(plan.copies[i], plan.descriptors[i].second) < 0) goto failed;
  }
  if (!plan.directory.empty() && chdir(plan.directory.c_str()) != 0) goto failed;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.file.c_str(), plan.argv.data(), plan.environment.data());
failed:
  plan.error = errno;
  _exit(127);
}

ON_ITS_OWN_STACK int first_generation(void *argument) {
  Plan &plan = *static_cast<Plan *>(argument);
  plan.pid = clone(become, top(plan.inner_stack), CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (plan.pid < 0) plan.error = errno;
  _exit(0);
}

std::vector<std::string> texts(const Napi::Array &array) {
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(Napi::Value(array[i]).As<Napi::String>());
  return result;
}

std::vector<char *> pointers(std::vector<std::string> &texts) {
  std::vector<char *> result;
  for (std::string &text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Napi::Value spawn_detached(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Plan plan;
  plan.file = info[0].As<Napi::String>();
  plan.argument_texts = texts(info[1].As<Napi::Array>());
  plan.environment_texts = texts(info[2].As<Napi::Array>());
  if (info[3].IsString()) plan.directory = info[3].As<Napi::String>();
  const Napi::Array descriptors = info[4].As<Napi::Array>();
  for (uint32_t i = 0; i < descriptors.Length(); ++i) {
    const Napi::Array pair = Napi::Value(descriptors[i]).As<Napi::Array>();
    plan.descriptors.emplace_back(Napi::Value(pair[0u]).As<Napi::Number>().Int32Value(),
                                  Napi::Value(pair[1u]).As<Napi::Number>().Int32Value());
  }
  plan.argv = pointers(plan.argument_texts);
  plan.environment = pointers(plan.environment_texts);
  const bool as_child = info[5].ToBoolean();
  plan.copies.resize(plan.descriptors.size());
  plan.inner_stack.resize(kStackBytes);
  std::vector<char> stack(kStackBytes);

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t first = clone(as_child ? become : first_generation, top(stack), CLONE_VM | CLONE_VFORK | (as_child ? SIGCHLD : 0), &plan);
  const int clone_error = errno;
  if (as_child) plan.pid = first;
  const bool has_ended = !as_child || plan.error != 0;
  if (first > 0 && has_ended) {
    while (waitpid(first, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  const int error = first < 0 ? clone_error : plan.error;
  if (error != 0) fail(env, plan.file, error);
  return Napi::Number::New(env, plan.pid);
}

Napi::Value ending_of(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  int status = 0;
  pid_t ended;
  do ended = waitpid(info[0].As<Napi::Number>().Int32Value(), &status, WNOHANG);
  while (ended < 0 && errno == EINTR);
  if (ended == 0) return env.Null();
  Napi::Object ending = Napi::Object::New(env);
  ending["exitCode"] = ended > 0 && WIFEXITED(status) ? Napi::Number::New(env, WEXITSTATUS(status)) : env.Null();
  const char *name = ended > 0 && WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : nullptr;
  ending["signal"] = name ? Napi::String::New(env, std::string("SIG") + name) : env.Null();
  return ending;
}
