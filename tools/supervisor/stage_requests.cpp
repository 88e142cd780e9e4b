// What an operator asks of one stage: start, stop, restart. The answer says what has begun; the
// stage's page and the run's state show how it goes on.
//
// A stop voids the permits first: nothing enters while a stage that is needed is on its way out.
// Starting loosens nothing by itself (the run arms when everything is ready, as always); ending a
// crash loop does, so it needs an operator and a reason, and is in the audit log first.
#include <fmt/format.h>

#include <algorithm>

#include "core/clock.hpp"
#include "tools/supervisor/supervisor.hpp"

namespace sluice {
namespace {

std::string by_whom(const SupervisorRequest& request, uid_t uid) {
  return request.who[0] != 0 ? std::string(request.who.data()) : fmt::format("uid {}", uid);
}

std::string_view event_of(Verb verb) noexcept {
  switch (verb) {
    case Verb::StartStage: return "stage_start";
    case Verb::StopStage: return "stage_stop";
    case Verb::RestartStage: return "stage_restart";
    case Verb::Rearm:
    case Verb::SetCap:
    case Verb::Stop:
    case Verb::Ping: break;
  }
  return "?";
}

}  // namespace

// Empty text: nothing speaks against it.
Supervisor::Answer Supervisor::refusal_to_start(Process p, const SupervisorRequest& request) const {
  if (!config_.spawn)
    return {Exit::No, fmt::format("this supervisor starts no process (--manual, or spawn = false): "
                                  "start {} by hand; nothing was changed\n",
                                  name_of(p))};
  if (!children_->crash_loop(p)) return {Exit::Ok, {}};
  const std::string missing = KillWatch::unsigned_by(request.who.data(), request.reason.data());
  if (missing.empty()) return {Exit::Ok, {}};
  return {Exit::No, fmt::format("{} died more than {} times in {} s and is not restarted:\n{}the "
                                "complete command:\n  sluicectl start {} --operator NAME --reason "
                                "\"20 characters or more\"\n",
                                name_of(p), config_.crash_limit,
                                config_.crash_window.ns / 1'000'000'000, missing, name_of(p))};
}

void Supervisor::end_crash_loop(Process p, const SupervisorRequest& request) {
  if (!children_->crash_loop(p)) return;
  children_->forget_deaths(p);
  say(fmt::format("the crash loop of {} is ended by {}: {}", name_of(p), request.who.data(),
                  request.reason.data()));
}

Supervisor::Answer Supervisor::stage(const SupervisorRequest& request, uid_t uid) {
  const std::vector<Process>& needed = children_->needed();
  const auto found = std::find_if(needed.begin(), needed.end(), [&](Process p) {
    return static_cast<std::uint32_t>(p) == request.index;
  });
  if (found == needed.end()) return {Exit::Usage, "this run has no such stage\n"};
  const Process p = *found;
  const std::string name(name_of(p));
  const bool stops = request.verb == Verb::StopStage;
  const bool runs = children_->alive(p);
  if (!stops)
    if (Answer refused = refusal_to_start(p, request); !refused.text.empty()) return refused;
  const Process* leaving = children_->stopping();
  if (request.verb == Verb::StartStage && runs && !(leaving != nullptr && *leaving == p))
    return {Exit::Ok, fmt::format("{} runs already (process {})\n", name, children_->pid_of(p))};
  const std::string who = by_whom(request, uid);
  const std::string what = fmt::format(
      "{}{}{}{}", name, !stops && children_->crash_loop(p) ? ", ending its crash loop" : "",
      request.reason[0] != 0 ? ": " : "", request.reason.data());
  if (!audit_->write(event_of(request.verb), who, what) && !stops)
    return {Exit::No, "the audit log cannot be written: nothing was changed\n"};
  if (!stops) end_crash_loop(p, request);
  if (request.verb == Verb::StartStage) {
    children_->start(p);
    return {Exit::Ok, fmt::format("starting {}\n", name)};
  }
  disarm(fmt::format("{} is being {} by {}", name, stops ? "stopped" : "restarted", who));
  children_->stop(p, boottime_ns() + kStageDrainNs, !stops);
  if (!runs) return {Exit::Ok, fmt::format("{} was not running\n", name)};
  return {Exit::Ok, fmt::format("{} {} (process {})\n", stops ? "stopping" : "restarting", name,
                                children_->pid_of(p))};
}

}  // namespace sluice
