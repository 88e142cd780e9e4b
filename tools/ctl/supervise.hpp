// Asking the supervisor: one request and one reply per packet over the socket in the instance's
// state directory.
#pragma once

#include "tools/ctl/options.hpp"
#include "tools/ctl/sight.hpp"
#include "tools/supervisor/protocol.hpp"

namespace sluice::ctl {

// Throws Error (Unreachable) if nobody listens or answers.
SupervisorReply ask(const Sight& sight, const SupervisorRequest& request);
// With operator and reason as given on the command line. Throws Error (Usage) if they are too long.
SupervisorRequest request_of(const Options& options, sluice::Verb verb, Scope scope);

// `stop` without a stage.
int stop_the_run(const Options& options, Console& console);

}  // namespace sluice::ctl
