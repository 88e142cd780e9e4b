#include "bench/kill/raiser.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cstring>
#include <ctime>

#include "bench/machine/pair.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/kill.hpp"
#include "tools/ctl/supervise.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;
constexpr std::array kGates{Process::Risk, Process::Gateway};

}  // namespace

void Gap::wait() noexcept {
  constexpr long kShortest = 200'000;
  constexpr long kSpread = 2'000'000;
  const timespec time{0, kShortest + static_cast<long>(random_() % kSpread)};
  ::nanosleep(&time, nullptr);
}

Raiser::Raiser(Rig& rig, std::uint64_t seed) : rig_(rig), gap_(seed) {}

std::uint64_t Raiser::tail() const noexcept {
  return rig_.objects().paper_log->tail.load(std::memory_order_acquire);
}

std::uint64_t Raiser::sent() const noexcept {
  return rig_.objects().page(Process::Gateway).statistics.counter("sent_verdicts");
}

// A kill that nothing is on its way for would be obeyed as well.
void Raiser::await_orders() {
  const std::uint64_t before = sent();
  if (!rig_.await([&] { return sent() > before; }, kPatience))
    throw Error("no order leaves: a kill would stop nothing");
}

Reaction Raiser::raise(KillLevel level) {
  await_orders();
  gap_.wait();
  KillPage& page = *rig_.objects().kill;
  const auto obeyed = [&](Process gate, std::uint64_t target) {
    return has_obeyed(page, rig_.objects().page(gate).obeyed.load(std::memory_order_acquire),
                      target);
  };
  const HostTime at = rig_.clock().now();
  const RaiseResult raised = raise_kill(page, {}, level, KillCause::Drill);
  const bool both = await_soon(
      [&] {
        return obeyed(Process::Risk, raised.target) && obeyed(Process::Gateway, raised.target);
      },
      Duration::seconds(5));
  const auto reaction = [&](Process gate) {
    return static_cast<std::int64_t>(rig_.objects().page(gate).obeyed_at_ns.load()) - at.ns;
  };
  const Reaction took{reaction(Process::Risk), reaction(Process::Gateway), level};
  kills_.push_back({tail(), 0, level, at, at + Duration{took.both_ns()}});
  rig_.check();
  if (!raised.raised || !both) throw Error(fmt::format("kill {} is not obeyed", kills_.size()));
  rearm();
  return took;
}

// By the supervisor, once it has seen the completion itself.
void Raiser::rearm() {
  SupervisorRequest request;
  request.verb = Verb::Rearm;
  request.word = rig_.objects().kill->words[0].load();
  std::strcpy(request.who.data(), "sluice-bench");
  std::strcpy(request.reason.data(), "a measured kill, one of many of this run");
  SupervisorReply reply;
  const auto done = [&] {
    kills_.back().until = tail();
    reply = ctl::ask(ctl::sight_of(rig_.instance().name(), rig_.objects()), request);
    return reply.exit_code == 0;
  };
  if (!rig_.await(done, kPatience))
    throw Error(fmt::format("a kill cannot be rearmed: {}", reply.text.data()));
}

std::int64_t Raiser::kill_stopped() {
  await_orders();
  gap_.wait();
  const pid_t gateway = look(rig_.objects().page(Process::Gateway).lease).pid;
  const HostTime at = rig_.clock().now();
  if (gateway <= 0 || ::kill(gateway, SIGSTOP) != 0) throw Error("the gateway cannot be stopped");
  ctl::KillRequest request;
  request.instance = rig_.instance().name();
  const std::vector<ctl::KillResult> results = ctl::kill(request);
  kills_.push_back({tail(), 0, request.level, at, rig_.clock().now()});
  if (results.size() != 1 || !results[0].complete())
    throw Error("NOT COMPLETE: the kill of a run with a stopped gateway");
  rig_.start_again(Process::Gateway);
  rig_.await_armed();
  rearm();
  return results[0].took_ns;
}

}  // namespace sluice::bench
