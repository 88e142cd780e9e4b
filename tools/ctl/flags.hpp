// The flags: one table from which come parsing, help, completion and the man page. Which verb takes
// which is said by the bits of its row in verbs.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/ctl/options.hpp"

namespace sluice::ctl {

struct Verb;

struct Flag {
  // Where the value goes; bool is a switch without a value.
  using Target = std::variant<bool Options::*, std::string Options::*, std::int64_t Options::*,
                              std::uint64_t Options::*, Color Options::*>;

  std::uint32_t taken;      // one of Takes
  std::string_view name;    // "--level"
  std::string_view letter;  // "-i", or empty
  std::string_view value;   // what stands behind it; empty: a switch
  std::string_view says;
  Target target;
  std::int64_t least = 0;  // of a number
  std::int64_t most = 0;
};

std::span<const Flag> flags() noexcept;
std::vector<const Flag*> flags_of(const Verb& verb);
// What may stand for a value or a positional word of that name, as far as that is fixed.
std::vector<std::string> words_for(std::string_view value);

}  // namespace sluice::ctl
