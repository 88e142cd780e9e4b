// The tables of verbs and flags as a shell completion and as a manual page.
#pragma once

#include <string>

namespace sluice::ctl {

std::string bash_completion();
std::string man_page();

}  // namespace sluice::ctl
