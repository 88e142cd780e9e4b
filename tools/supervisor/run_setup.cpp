#include "tools/supervisor/run_setup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "core/process.hpp"
#include "tools/supervisor/privileges.hpp"
#include "tools/supervisor/state_file.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

// Ordinals start at 1 and are used once; the number is on disk before the run exists.
std::uint16_t next_ordinal(const fs::path& state_dir) {
  const fs::path file = state_dir / "run_ordinal";
  unsigned last = 0;
  std::ifstream text = open_state(file);
  if (text && !(text >> last))
    throw Error(file.string() + ": does not hold a number: put the highest number of " +
                (state_dir / "runs").string() + " into it");
  if (last >= 0xffff)
    throw Error(file.string() +
                ": 65535 runs are used up; move the state directory away to start anew");
  if (!write_synced(file, std::to_string(last + 1) + "\n"))
    throw Error(file.string() + ": cannot be written: " + std::strerror(errno));
  return static_cast<std::uint16_t>(last + 1);
}

std::uint64_t random_id() {
  std::random_device device;
  std::uint64_t id = 0;
  while (id == 0) id = std::uint64_t{device()} << 32 | device();
  return id;
}

// Why the run on this page is not ours to go on with; empty if it is.
std::string obstacle_to_adoption(const ControlPage& control, const PipelineConfig& config,
                                 const Run::Release& release) {
  const auto state = static_cast<RunState>(control.state.load(std::memory_order_acquire));
  if (state == RunState::Stopping || state == RunState::Ended) return "it was being stopped";
  if (release.build_id != control.build_id.data())
    return std::string("it is of build ") + control.build_id.data();
  if (release.config_hash != control.config_hash) return "its configuration is another one";
  if (config.mode != control.header.mode) return "its mode is another one";
  if (config.state_dir.string() != control.state_dir.data())
    return std::string("its state directory is ") + control.state_dir.data();
  return {};
}

}  // namespace

std::unique_ptr<Run> Run::create(const PipelineConfig& config, std::uint64_t config_hash,
                                 const std::string& config_bytes) {
  const std::uint16_t ordinal = next_ordinal(config.state_dir);
  const fs::path dir = run_directory(config.state_dir, ordinal);
  std::error_code error;
  fs::create_directories(dir, error);
  if (error || !write_synced(dir / "pipeline.toml", config_bytes))
    throw Error(dir.string() +
                ": cannot be written: " + (error ? error.message() : std::strerror(errno)));
  if (config.access) open_run_dir(dir, resolve(*config.access));
  std::unique_ptr<Run> run(new Run(config.instance));
  run->fill(config, {random_id(), ordinal, config_hash, calibrate()});
  return run;
}

void Run::fill(const PipelineConfig& config, const RunIdentity& identity) {
  std::optional<Identities> who;
  if (config.access) who = resolve(*config.access);
  AccessList access;
  for (const ObjectPlan& plan : plan_objects(config)) {
    const std::string name = segment_name(instance_, plan.object);
    if (who) access = access_list(plan.kind, plan.edge, *who);
    segments_.push_back(Segment::create(name, plan.bytes, who ? &access : nullptr));
    names_.push_back(name);
    fill_header(*segments_.back().as<SegmentHeader>(), plan, config, identity);
    bind(objects_, plan, segments_.back().data());
  }
  fill_control(*objects_.control, config, identity);
  fill_kill(*objects_.kill, *objects_.control);
}

std::unique_ptr<Run> Run::adopt(const PipelineConfig& config, const Release& release,
                                std::string& why_not) {
  AttachedInstance found;
  why_not.clear();
  if (AttachedInstance::try_open(config.instance, found,
                                 config.access ? &*config.access : nullptr) != AttachError::None)
    return nullptr;
  const SegmentHeader& header = found.objects().control->header;
  if (look(found.objects().control->supervisor).alive) return nullptr;  // reclaim says whose it is
  why_not = obstacle_to_adoption(*found.objects().control, config, release);
  if (!why_not.empty()) return nullptr;
  std::unique_ptr<Run> run(new Run(config.instance));
  run->published_ = true;
  for (const ObjectPlan& plan : plan_objects(config)) {
    const std::string name = segment_name(config.instance, plan.object);
    Segment segment;
    const AttachError error = Segment::attach(
        name, Access::ReadWrite,
        {config.instance, plan.kind, plan.edge, header.run_id, header.mode, ::geteuid()}, segment);
    if (error != AttachError::None) {
      why_not = "/dev/shm/" + name + " " + std::string(name_of(error));
      return nullptr;
    }
    run->names_.push_back(name);
    run->segments_.push_back(std::move(segment));
    bind(run->objects_, plan, run->segments_.back().data());
  }
  return run;
}

void Run::publish() noexcept {
  for (std::size_t i = segments_.size();
       i-- > 0;)  // the control page was created first: it comes last
    Segment::publish(*segments_[i].as<SegmentHeader>());
  published_ = true;
}

std::string Run::replaced() const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const void* page = segments_[i].data();
    if (page != objects_.control && page != objects_.kill) continue;
    const std::string path = "/dev/shm/" + names_[i];
    struct stat named {};
    if (::stat(path.c_str(), &named) == 0 &&
        FileId{named.st_dev, named.st_ino} == segments_[i].file())
      continue;
    return path +
           " was removed or replaced: sluicectl cannot reach this run; end it with kill -TERM " +
           std::to_string(::getpid());
  }
  return {};
}

FileId Run::file_of(Process page) const noexcept {
  const auto at = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.data() == &objects_.page(page);
  });
  return at != segments_.end() ? at->file() : FileId{};
}

void Run::end() noexcept {
  for (Segment& segment : segments_)
    segment.as<SegmentHeader>()->magic.store(0, std::memory_order_release);
  for (const std::string& name : names_) Segment::remove(name);
  names_.clear();
}

Run::~Run() {
  if (published_) return;
  for (const std::string& name : names_) Segment::remove(name);
}

}  // namespace sluice
