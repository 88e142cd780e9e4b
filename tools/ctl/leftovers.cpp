#include "tools/ctl/leftovers.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "core/instance.hpp"
#include "core/mapping.hpp"
#include "core/process.hpp"
#include "tools/ctl/text.hpp"

namespace fs = std::filesystem;

namespace sluice::ctl {
namespace {

constexpr std::string_view kPrefix = "sluice.";

std::set<FileId> list_files(Leftover& found) {
  std::set<FileId> files;
  for (const std::string& name : list_objects(found.instance)) {
    struct stat info {};
    if (::lstat(("/dev/shm/" + name).c_str(), &info) != 0) continue;
    found.objects.emplace_back(name, info.st_ino);
    found.bytes += static_cast<std::uint64_t>(info.st_size);
    files.insert({info.st_dev, info.st_ino});
  }
  return files;
}

struct Mappers {
  std::string who;      // "process 17, process 18"
  std::string refused;  // "process 1": its maps may not be read
};

Mappers mappers_of(const std::set<FileId>& files) {
  Mappers mappers;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(pid[0])) == 0) continue;
    const Mapped mapped = mapped_by(std::stoi(pid), files);
    if (mapped == Mapped::Unknown) mappers.refused = "process " + pid;
    if (mapped == Mapped::ReadOnly || mapped == Mapped::Writable)
      mappers.who += (mappers.who.empty() ? "process " : ", process ") + pid;
  }
  if (error) mappers.refused = "/proc";
  return mappers;
}

// Levels that stand on a kill page without a control page: nobody can say whose they are.
bool holds_a_level(const std::string& instance) {
  Segment segment;
  if (Segment::attach(segment_name(instance, "kill"), Access::ReadOnly,
                      {instance, ObjectKind::Kill, 0, 0, Mode::Paper},
                      segment) != AttachError::None)
    return false;
  const KillPage& page = *segment.as<KillPage>();
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const KillWord word = page.read(slot);
    if (word.valid && word.level != KillLevel::Run && word.level != KillLevel::Ended) return true;
  }
  return false;
}

std::string removal(const std::string& instance) {
  return fmt::format("rm /dev/shm/{}", segment_name(instance, "*"));
}

void judge_unreadable(Leftover& found, AttachError error, const std::set<FileId>& files) {
  const bool between = error == AttachError::NotFound || error == AttachError::NotReady ||
                       error == AttachError::TooSmall || error == AttachError::WrongBoot;
  const std::string what = fmt::format("its control page {}", name_of(error));
  if (!between) {
    found.why = what;
    found.advice =
        "use the sluicectl and the supervisor of the build and user that made it; if "
        "pgrep -a sluice- shows nobody: " +
        removal(found.instance);
    return;
  }
  const Mappers mappers = mappers_of(files);
  if (!mappers.who.empty()) {
    found.why = what + ", and it is mapped by " + mappers.who;
    found.advice = "wait for it, or end that process";
  } else if (!mappers.refused.empty()) {
    found.why = what + ", and " + mappers.refused + " does not let itself be looked at";
    found.advice = fmt::format(
        "sudo sluicectl clean -i {}; if that says the same and pgrep -a "
        "sluice- shows nobody: {}",
        found.instance, removal(found.instance));
  } else if (holds_a_level(found.instance)) {
    found.why = what + ", and a kill level stands that could not be kept for the next run";
    found.advice = "if it may be forgotten: " + removal(found.instance);
  } else {
    found.life = Life::Dead;
    found.why = what + ", and nobody maps it";
  }
}

void judge(Leftover& found, AttachedInstance& attached) {
  const ControlPage& control = *attached.objects().control;
  found.readable = true;
  found.state_dir = std::string(text_of(control.state_dir));
  const LeaseView holder = look(control.supervisor);
  if (holder.alive) {
    found.life = Life::Supervised;
    found.why =
        fmt::format("its supervisor (process {}) lives, or is not provably dead", holder.pid);
    found.advice = "to end it in order: sluicectl stop -i " + found.instance;
    return;
  }
  attached.attach_kill(Access::ReadOnly);
  found.levels = raised_levels(*attached.objects().kill, control);
  std::string living;
  for (const Process p : kProcesses) {
    if (!attached.try_page(p)) continue;
    const LeaseView stage = look(attached.objects().page(p).lease);
    if (stage.alive)
      living += fmt::format("{}{} (process {})", living.empty() ? "" : ", ", name_of(p), stage.pid);
  }
  found.life = living.empty() ? Life::Dead : Life::Orphaned;
  found.why = living.empty() ? "its supervisor and its processes are dead"
                             : "its supervisor is dead, but there lives " + living;
  if (!living.empty())
    found.advice = fmt::format(
        "start sluice-supervisor again: it takes the run over; or kill them and end the run: "
        "sluicectl clean -i {}",
        found.instance);
}

}  // namespace

std::vector<std::string> instances_in_shm() {
  std::set<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it("/dev/shm", error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const std::size_t dot = name.find('.', kPrefix.size());
    if (name.starts_with(kPrefix) && dot != std::string::npos && dot > kPrefix.size())
      names.insert(name.substr(kPrefix.size(), dot - kPrefix.size()));
  }
  return {names.begin(), names.end()};
}

Leftover look_at_leftover(const std::string& instance) {
  Leftover found;
  found.instance = instance;
  const std::set<FileId> files = list_files(found);
  AttachedInstance attached;
  const AttachError error = AttachedInstance::try_open(instance, attached);
  if (error != AttachError::None) {
    judge_unreadable(found, error, files);
    return found;
  }
  try {
    judge(found, attached);
  } catch (const std::exception& problem) {  // the kill page is gone or damaged
    found.life = Life::Unproven;
    found.why = problem.what();
    found.advice = "start its supervisor again and stop it in order; or " + removal(instance);
  }
  return found;
}

}  // namespace sluice::ctl
