// The table of checks as a whole, and the verb `doctor`.
#include "tools/ctl/doctor/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/pipeline.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/leftovers.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl::doctor {
namespace {

bool is_bad(const Finding& finding) noexcept {
  return finding.seen.status == Status::Warn || finding.seen.status == Status::Fail;
}

Tone tone_of(Status status) noexcept {
  switch (status) {
    case Status::Ok: return Tone::Good;
    case Status::Warn:
    case Status::Fail: return Tone::Bad;
    case Status::NotApplicable:
    case Status::Unknown: break;
  }
  return Tone::Quiet;
}

}  // namespace

std::string_view name_of(Status status) noexcept {
  switch (status) {
    case Status::Ok: return "ok";
    case Status::Warn: return "warn";
    case Status::Fail: return "fail";
    case Status::NotApplicable: return "n-a";
    case Status::Unknown: return "unknown";
  }
  return "?";
}

std::vector<const Check*> all_checks() {
  std::vector<const Check*> all;
  for (const auto& group : {cpu_checks(), power_checks(), memory_checks(), kernel_checks(),
                            interrupt_checks(), instance_checks()})
    for (const Check& check : group) all.push_back(&check);
  return all;
}

std::vector<std::string> counting_files() {
  return {"/proc/stat", "/proc/interrupts"};
}

std::vector<Finding> examine(const Patient& patient) {
  std::vector<Finding> findings;
  for (const Check* check : all_checks()) findings.push_back({check, check->look(patient)});
  return findings;
}

std::string verdict_of(const std::vector<Finding>& findings) {
  std::string failed;
  std::string warned;
  for (const Finding& finding : findings) {
    std::string& list = finding.seen.status == Status::Fail ? failed : warned;
    if (is_bad(finding)) list += fmt::format("{}{}", list.empty() ? "" : ", ", finding.check->id);
  }
  if (failed.empty() && warned.empty()) return "nothing is wrong that can be seen from here";
  if (failed.empty()) return "warnings: " + warned;
  return "failures: " + failed + (warned.empty() ? "" : "; warnings: " + warned);
}

int exit_code(const std::vector<Finding>& findings) noexcept {
  const bool looked = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.seen.status == Status::Ok || is_bad(finding);
  });
  if (!looked) return static_cast<int>(Exit::Unqualified);
  return static_cast<int>(std::any_of(findings.begin(), findings.end(), is_bad) ? Exit::No
                                                                                : Exit::Ok);
}

std::vector<std::string> unfit_for_figures(const std::vector<int>& hot) {
  const Host host;
  const Patient patient{host, hot, static_cast<int>(hot.size()), 0, {}, nullptr, {}};
  std::vector<std::string> list;
  if (hot.empty()) list.emplace_back("no process has a CPU of its own");
  for (const Check* check : all_checks()) {
    if (!check->figures) continue;
    const Seen seen = check->look(patient);
    if (seen.status == Status::Warn || seen.status == Status::Fail)
      list.push_back(fmt::format("{}: {}", check->id, seen.read));
  }
  return list;
}

}  // namespace sluice::ctl::doctor

namespace sluice::ctl {
namespace {

using namespace doctor;

// What the configuration and the running instance add to the files.
struct Known {
  std::vector<int> hot;
  int processes = 0;
  std::uint64_t shared_memory = 0;
  std::string state_dir;
  std::string instance;
  std::optional<Sight> sight;
};

void read_configuration(const std::string& file, Known& known) {
  const config::Document document = config::Document::load(file);
  const PipelineConfig pipeline = parse_pipeline(document);
  if (!document.faults().empty() && pipeline.instance.empty())
    throw Error(Exit::Usage, file + ": has faults: sluicectl check " + file);
  for (const Process p : kProcesses) {
    const bool used =
        p != Process::Supervisor &&
        (!is_seat(p) || pipeline.seat_taken(static_cast<SeatIndex>(
                            static_cast<unsigned>(p) - static_cast<unsigned>(Process::Seat0))));
    if (!used) continue;
    ++known.processes;
    if (const int cpu = pipeline.process(p).cpu; cpu >= 0) known.hot.push_back(cpu);
  }
  for (const ObjectPlan& plan : plan_objects(pipeline)) known.shared_memory += plan.bytes;
  known.state_dir = std::filesystem::absolute(pipeline.state_dir).string();
  known.instance = pipeline.instance;
}

// An instance that was named must be there; any other is looked at if it is clear which.
void find_instance(const Options& options, Known& known) {
  Options which = options;
  if (which.instance.empty()) which.instance = known.instance;
  try {
    known.sight = look_at(which);
    known.state_dir = std::string(text_of(known.sight->control().state_dir));
  } catch (const Error& error) {
    if (!options.instance.empty()) throw Error(Exit::Unqualified, error.what());
  }
}

std::vector<std::string> dead_instances() {
  std::vector<std::string> dead;
  for (const std::string& name : instances_in_shm())
    if (look_at_leftover(name).life == Life::Dead) dead.push_back(name);
  return dead;
}

void print_table(const std::vector<Finding>& findings, bool fixes, Console& console) {
  for (const Finding& finding : findings) {
    const Seen& seen = finding.seen;
    console.out("{} {:<22} {}",
                console.paint(tone_of(seen.status), fmt::format("{:<7}", name_of(seen.status))),
                finding.check->id, seen.read);
    if (is_bad(finding)) console.out(" (good: {})", finding.check->good);
    console.raw("\n");
  }
  for (const Finding& finding : findings)
    if (fixes && is_bad(finding) && !finding.seen.fix.empty())
      console.out("# {}:\n{}\n", finding.check->id, finding.seen.fix);
  const bool good = std::none_of(findings.begin(), findings.end(), is_bad);
  console.out("{}{}\n", console.paint(good ? Tone::Good : Tone::Bad, verdict_of(findings)),
              good || fixes ? "" : " (--fix prints what mends them)");
}

void print_json(const std::vector<Finding>& findings, Console& console) {
  Json json;
  json.object().field("code", exit_code(findings)).field("verdict", verdict_of(findings));
  json.key("checks").array();
  for (const Finding& finding : findings) {
    json.object().field("id", finding.check->id).field("status", name_of(finding.seen.status));
    json.field("read", finding.seen.read).field("good", finding.check->good);
    json.field("fix", finding.seen.fix).field("figures", finding.check->figures).end();
  }
  json.end().end();
  console.raw(json.text());
}

}  // namespace

int run_doctor(const Options& options, Console& console) {
  Known known;
  if (!options.conf.empty()) read_configuration(options.conf, known);
  find_instance(options, known);
  Host host("/", [] { std::this_thread::sleep_for(std::chrono::seconds(1)); });
  host.look_twice(counting_files());
  const Patient patient{host,
                        known.hot,
                        known.processes,
                        known.shared_memory,
                        known.state_dir,
                        known.sight ? &*known.sight : nullptr,
                        dead_instances()};
  const std::vector<Finding> findings = examine(patient);
  options.json ? print_json(findings, console) : print_table(findings, options.fix, console);
  return exit_code(findings);
}

}  // namespace sluice::ctl
