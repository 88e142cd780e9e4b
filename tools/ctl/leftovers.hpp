// Instances in /dev/shm and whether they live: what `clean` may remove and `doctor` complains of.
//
// Proof of death: of an instance with a control page that this build can read, the leases on its
// pages. Of what has none (it was being created, or removed), that no process maps any of it, which
// only somebody who may read every process's maps can say. What is not proven is left alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/supervisor/latch.hpp"

namespace sluice::ctl {

enum class Life : std::uint8_t {
  Supervised = 1,  // or its supervisor's death cannot be proven from here
  Orphaned = 2,    // the supervisor is dead, processes of the run live: it can be taken over
  Dead = 3,
  Unproven = 4
};

struct Leftover {
  std::string instance;
  Life life = Life::Unproven;
  std::string why;        // "its supervisor (process 17) lives"
  std::string advice;     // a command, or empty
  bool readable = false;  // its control page is
  std::string state_dir;
  std::vector<LatchedLevel> levels;  // raised, of a readable one
  std::vector<std::pair<std::string, ino_t>> objects;
  std::uint64_t bytes = 0;
};

// Every name that has an object in /dev/shm, sorted.
std::vector<std::string> instances_in_shm();
Leftover look_at_leftover(const std::string& instance);

}  // namespace sluice::ctl
