// The forensic view: the entries of one journal as they are, one line each. Unlike verification it
// goes on behind a damaged entry, says of it what it claims to be, and marks the times behind it as
// uncertain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace sluice::replay {

struct ShowOptions {
  std::filesystem::path dir;  // a run or a state directory
  std::string journal;        // "risk", "gateway", "seat0", "paper"
  std::uint64_t from = 0;
  std::uint64_t count = ~std::uint64_t{0};
  bool json = false;  // one object per line
};

// Ok, or No if an entry of the range is damaged. Throws Error.
Exit show(const ShowOptions& options, const std::function<void(std::string_view)>& write);

}  // namespace sluice::replay
