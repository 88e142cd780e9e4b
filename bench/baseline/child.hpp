// A sluice-bench, of this build or another one, that measures a turn whenever it is asked. Between
// two turns it waits in a read and costs nothing, so several of them can have one CPU in
// alternation.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "bench/baseline/document.hpp"

namespace sluice::bench {

inline constexpr const char* kThisProgram = "/proc/self/exe";

// What a child has to know; written on its command line.
struct Order {
  std::string binary = kThisProgram;
  std::vector<std::string> sources;
  Cpus cpus;
  double slow_percent = 0;
};

class Child {
 public:
  explicit Child(const Order& order);
  ~Child();  // ends it; it has nothing to put away
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // One turn of one of its sources, by index: a document with one sample of one run per metric.
  // Throws Error if it dies, answers with something else, or takes longer than a minute; and
  // (Interrupted) if this process is asked to stop meanwhile.
  Document turn(std::size_t source);

 private:
  [[noreturn]] void died();
  std::string read_answer();

  std::string name_;
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string unread_;
};

// The other end: answers each line of the standard input, the index of a source, with a document;
// until there are no more.
void serve_turns(const std::vector<std::string>& sources, const Cpus& cpus, double slow_percent);

}  // namespace sluice::bench
