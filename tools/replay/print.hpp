// A verification in words: for people, and as one JSON object.
#pragma once

#include <string>

#include "tools/replay/verify.hpp"

namespace sluice::replay {

std::string text_of(const Verification& result);  // the verdict is the last line
std::string json_of(const Verification& result);  // one line
std::string verdict_of(const Verification& result);

}  // namespace sluice::replay
