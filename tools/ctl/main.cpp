#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/ctl/verbs.hpp"

int main(int argc, char** argv) {
  // A closed pipe behind `sluicectl kill | head` must not end the kill half way.
  std::signal(SIGPIPE, SIG_IGN);
  return sluice::ctl::run(std::vector<std::string>(argv + 1, argv + argc), stdout, stderr);
}
